-- Answers "may I send now?": go (booked, good for 50 ms), wait (ask again then), or drop (it is no longer yours to send).
--   hold            string  until when a fresh server lets nobody send
--   account, pace   as in lib/pace.lua
--   imports(a)      list    when the last imports were booked, the newest first, as many as a minute allows
--   under_way(a)    zset    tokens under which a request was let go -> when, until what came of it is written
--   chunk, run, block   what is asked for is still held, and nothing has stopped it since; `sending`: it was let go, and no
--                       answer is written yet
-- A kind is import, single, other or question. `run` and what is behind it are nil for a request of no chunk.

local CATCH_UP = 200
local STALL = 5000
local CLOSEST = 0.6
local WINDOW_SPAN = 60250
local SOON = 0.5 -- milliseconds: the clock is cut to whole ones, and a margin pays for many more
local UNDER_WAY = 3
local SPREAD = 1.25
local EACH_IMPORT = 2.3 -- requests: itself, and 1.3 polls
local SILENT = 1000

-- Milliseconds until it is asked again whether there is room for one more request, or nothing if there is.
-- rule: three are under way at a time, or what the limits need at this round trip and a quarter more. The outcome that says
-- stop makes room and shuts the door in one step, so a key that goes bad is tried by no more than these.
local function crowded(account, token, importing, import_every, any_every, now)
  local key = K.under_way(account)
  local trip = tonumber(redis.call('HGET', K.pace(account), 'trip_ms') or 0)
  redis.call('ZREM', key, token) -- it was let go before, and came too late to send
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - math.max(SILENT, 8 * trip)) -- nobody may be left to write their outcome
  local need = importing and math.max(any_every, import_every / EACH_IMPORT) or any_every
  if redis.call('ZCARD', key) < math.max(UNDER_WAY, math.ceil(SPREAD * trip / need)) then return end
  return math.ceil(math.min(math.max(5, trip / 4), 250))
end

local function go(account, kind, run, id, lane, fence, token, now)
  local sends_chunk = run and lane == 'deliver'
  if run then
    local chunk = redis.call('HMGET', K.chunk(run, id), 'state', 'token', 'batch')
    local record = redis.call('HMGET', K.run(run), 'connection', 'paused', 'ending')
    if lane == 'deliver' then
      if chunk[1] ~= 'leased' or chunk[2] ~= fence then return {'drop'} end
      if record[2] or record[3] then return {'drop'} end -- rule: nothing is sent for a run that is paused or ending
      if not passes(run, token) then return {'drop'} end
      if not has_turn(run) then return {'drop'} end -- rule: one run at a time sends to a list
    elseif chunk[1] ~= 'accepted' or chunk[3] ~= fence then
      return {'drop'}
    end
    if not passes(record[1], token) then return {'drop'} end
  end

  local key = K.pace(account)
  local f = redis.call('HMGET', key, 'gate', 'next_any', 'next_import', 'next_single', 'import_seen')
  local import_every, any_every = interval(account, 'import', now), interval(account, 'any', now)

  -- What lies further ahead than a rule could have put it is cut to that: the clock went back.
  local function bounded(value, furthest) return math.min(tonumber(value or 0), now + furthest) end
  local next_any, next_import = bounded(f[2], any_every), bounded(f[3], import_every)
  local shut = math.max(bounded(f[1], FURTHEST_GATE), bounded(redis.call('GET', K.hold()), 1000))
  if shut > now then return {'wait', math.ceil(shut - now)} end

  local function book(...)
    if run then
      redis.call('ZADD', K.under_way(account), now, token)
      redis.call('PEXPIRE', K.under_way(account), 2 * WINDOW_SPAN)
    end
    redis.call('HINCRBY', key, 'requests', 1)
    redis.call('HSET', key, 'next_any', string.format('%.3f', now + any_every), ...)
    if sends_chunk then redis.call('HSET', K.chunk(run, id), 'sending', '1') end
    return {'go', now}
  end

  if kind == 'question' then
    if now + SOON < next_any then return {'wait', math.ceil(next_any - now)} end
    return book() -- rule: it yields to nobody, since a run may wait for it, and there are few
  end

  local importing = kind ~= 'other' or now - tonumber(f[5] or 0) < 3 * import_every

  local function to_wait(at)
    if now + SOON < at then return math.ceil(at - now) end
    return run and crowded(account, token, importing, import_every, any_every, now)
  end

  if kind == 'other' then
    local at = next_any
    -- Imports go first: while they come, a poll may delay the next one by less than it can catch up.
    if importing and math.max(now, next_any) + any_every > next_import + CATCH_UP * 0.8 then
      at = math.max(next_any, next_import) + any_every
    end
    local wait = to_wait(at)
    return wait and {'wait', wait} or book()
  end

  -- After a stall an import may catch up more than that, as long as the log of the last bookings proves the window.
  local log = K.imports(account)
  local most = math.floor(tonumber(redis.call('HGET', K.account(account), 'imports_per_minute') or 100))
  local function after_stall(at)
    if share(account, 'import', now) < 1 or now - next_import > STALL then return at, CATCH_UP end
    local newest, oldest = redis.call('LINDEX', log, 0), redis.call('LINDEX', log, most - 1)
    at = math.max(at, newest and tonumber(newest) + CLOSEST * import_every or 0)
    return math.max(at, oldest and tonumber(oldest) + WINDOW_SPAN or 0), STALL
  end

  local single_every = interval(account, 'single', now)
  local next_single = kind == 'single' and bounded(f[4], single_every) or 0
  local at, catch_up = after_stall(math.max(next_any, next_import, next_single))
  redis.call('HSET', key, 'import_seen', now)
  local wait = to_wait(at)
  if wait then return {'wait', wait} end
  redis.call('HINCRBY', key, 'imports', 1)
  redis.call('LPUSH', log, now)
  redis.call('LTRIM', log, 0, most - 1)
  redis.call('PEXPIRE', log, 2 * WINDOW_SPAN)
  local function after(previous, every, within) return string.format('%.3f', math.max(previous, now - within) + every) end
  if kind == 'single' then redis.call('HSET', key, 'next_single', after(next_single, single_every, CATCH_UP)) end
  return book('next_import', after(next_import, import_every, catch_up))
end
