-- Hands out the oldest due chunk of the run whose turn it is, under a lease, and lets its request go if it is its turn already.
--   ready, accepted, chunk, leases, lane, block, run, pace   as in the libraries
--   settled(token)  string  there if nothing is to be taken under this token any more
-- Nothing if nothing is due, else lane, run, chunk, run clock, trip_ms, first_poll_ms, {kind, what lib/going.lua answered} or {}, and
-- three flat hashes: the chunk, the run, the connection; and 1 if a harmless question is to be asked before the import.

local LOOKED_UP_FOR = 60000
local LAST_SENDING = 3 -- of a chunk to whose imports no answer can be read: `MOST_UNREAD` in worker/verdict

-- Those whose addresses have changed are looked up anew if that was long ago: they may have opted out since.
local function look_up_anew(key, now)
  local at = redis.call('HGET', key, 'moved_at')
  if at and math.abs(now - tonumber(at)) > LOOKED_UP_FOR then redis.call('HSET', key, 'moving', 'moving') end
end

-- Whether a harmless question is asked before this chunk is imported: as the probe of a block, or as its last sending, so that
-- an account that says nothing readable at all is found out by that and nobody is sent.
local function is_careful(connection, key)
  if asks_first(connection) then return true end
  if tonumber(redis.call('HGET', key, 'unread') or 0) < LAST_SENDING - 1 then return false end
  return redis.call('HDEL', key, 'cleared') == 0
end

local function hand_out(account, token, lease, lane, run, id, score, now)
  local key = K.chunk(run, id)
  redis.call('HSETNX', key, 'place', score)
  local connection = redis.call('HGET', K.run(run), 'connection')
  let_in(connection, token, now)
  if lane == 'deliver' then
    let_in(run, token, now)
    -- Whoever had it sent it, and never wrote down the answer.
    if redis.call('HDEL', key, 'sending') == 1 then redis.call('HSET', key, 'maybe', '1') end -- so it may be there
    if redis.call('HGET', key, 'moving') == 'moved' then look_up_anew(key, now) end
    redis.call('HSET', key, 'state', 'leased', 'token', token)
    redis.call('ZADD', K.lane(account), 'XX', now, run)
    redis.call('HSETNX', key, 'first_taken', run_clock(run, now))
  end
  redis.call('HSET', key, 'leased_at', now, 'taker', token)
  redis.call('ZADD', LANES[lane](run), now + lease, id)
  redis.call('ZADD', K.leases(account, lane), now + lease, run .. '/' .. id)
  local pace = redis.call('HMGET', K.pace(account), 'trip_ms', 'first_poll_ms')
  local chunk, told = redis.call('HMGET', key, 'count', 'batch', 'moving'), {}
  local moving = lane == 'deliver' and chunk[3] == 'moving'
  local careful = lane == 'deliver' and not moving and is_careful(connection, key)
  if not moving and not careful then -- those who move are looked up first
    local kind = lane == 'confirm' and 'other' or chunk[1] == '1' and 'single' or 'import'
    told = {kind, unpack(go(account, kind, run, id, lane, lane == 'confirm' and chunk[2] or token, token, now))}
  end
  return {lane, run, id, run_clock(run, now), pace[1] or '', pace[2] or '', told,
    redis.call('HGETALL', key), redis.call('HGETALL', K.run(run)), redis.call('HGETALL', K.connection(connection)),
    careful and 1 or 0}
end

-- A chunk whose lease ran out killed its worker, or its worker was killed. After five it is not tried again by itself.
local function kills_workers(account, run, id, now)
  local key = K.chunk(run, id)
  if redis.call('HGET', key, 'state') ~= 'leased' then return false end
  if redis.call('HINCRBY', key, 'lost', 1) < 5 then return false end
  redis.call('HSET', key, 'state', 'ready', 'lost', 0)
  block(run, account, {scope = 'run', code = 'chunk_kills_workers', definite = true, by_hand = true,
    reason = 'chunk ' .. id .. ' lost its worker five times'}, now, now)
  return true
end

local function take(account, token, lease, now)
  -- It was given back before this was carried out (give_back.lua).
  if redis.call('EXISTS', K.settled(token)) == 1 then return false end
  if opens_soon(account, 'deliver', now) and leased(account, 'deliver', now) < width(account, 'deliver', now) then
    for _, run in ipairs(redis.call('ZRANGE', K.lane(account), 0, -1)) do
      if is_open(run, 'deliver', now) then
        local found = due(run, 'deliver', now)
        if found[1] and not kills_workers(account, run, found[1], now) then
          return hand_out(account, token, lease, 'deliver', run, found[1], found[2], now)
        end
      end
    end
  end

  if opens_soon(account, 'confirm', now) and leased(account, 'confirm', now) < width(account, 'confirm', now) then
    -- The run with the fewest batches first: a small export does not wait behind all that a large one has to ask after.
    local oldest, owner, fewest
    for _, run in ipairs(redis.call('ZRANGE', K.lane(account), 0, -1)) do
      if is_open(run, 'confirm', now) then
        local found, batches = due(run, 'confirm', now), redis.call('ZCARD', K.accepted(run))
        if found[1] and (not fewest or batches < fewest) then oldest, owner, fewest = found, run, batches end
      end
    end
    if oldest then return hand_out(account, token, lease, 'confirm', owner, oldest[1], oldest[2], now) end
  end
  return false
end
