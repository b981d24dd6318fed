-- Which chunk of an account is due, and whose turn it is.
--   lane(a)       zset  runs with chunks -> when they were last served
--   ready(run)    zset  chunks to deliver -> due
--   accepted(run) zset  chunks to confirm -> due
--   leases(a, l)  zset  chunks in somebody's hands -> end of the lease
--   workers       zset  `process/threads` -> until when it counts as alive

local LANES = {deliver = K.ready, confirm = K.accepted}
local NEAR = 0.25 -- seconds before its turn that a chunk is taken in hand: what a busy machine needs for that
local LIVELY = 10000 -- milliseconds that a lease still has, if its holder lives: who has missed two renewals keeps nobody's place

-- Whether this run's chunks may be worked on: polls go on while it is paused, ending or blocked itself, or waits for its turn.
local function is_open(run, lane, now)
  local f = redis.call('HMGET', K.run(run), 'connection', 'paused', 'ending')
  if not f[1] or not lets_in(f[1], now) then return false end
  if lane == 'confirm' then return true end
  return not f[2] and not f[3] and lets_in(run, now) and has_turn(run)
end

local function due(run, lane, now)
  return redis.call('ZRANGE', LANES[lane](run), '-inf', now, 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')
end

local function leased(account, lane, now)
  redis.call('ZREMRANGEBYSCORE', K.leases(account, lane), '-inf', now)
  return redis.call('ZCOUNT', K.leases(account, lane), '(' .. now + LIVELY, '+inf')
end

-- The threads of all living worker processes.
local function threads(now)
  local found = 0
  redis.call('ZREMRANGEBYSCORE', K.workers(), '-inf', now)
  for _, process in ipairs(redis.call('ZRANGE', K.workers(), 0, -1)) do
    found = found + tonumber(string.match(process, '/(%d+)$'))
  end
  return found
end

-- Imports a second, and requests a second of those that may be used.
local function rates(account)
  local f = redis.call('HMGET', K.account(account), 'imports_per_minute', 'requests_per_second')
  return tonumber(f[1] or PUBLISHED.import) / 60, tonumber(f[2] or PUBLISHED.any) / MARGIN.any
end

-- How many chunks at such a rate are in workers' hands: those under way, and those whose turn is near. rule: no more, since
-- whoever comes with a small export waits behind them all.
local function hands(account, each_second)
  local trip = tonumber(redis.call('HGET', K.pace(account), 'trip_ms') or 500) / 1000
  return math.max(1, math.ceil(each_second * (trip + NEAR)))
end

-- How many of a lane the account's limits can keep in hands.
local function full_width(account, lane)
  local imports, requests = rates(account)
  return hands(account, lane == 'deliver' and imports or requests)
end

-- Chunks of a lane that are due, counted up to `most`.
local function count_due(account, lane, now, most)
  local found = 0
  for _, run in ipairs(redis.call('ZRANGE', K.lane(account), 0, -1)) do
    if found >= most then break end
    if is_open(run, lane, now) then found = found + redis.call('ZCOUNT', LANES[lane](run), '-inf', now) end
  end
  return math.min(found, most)
end

-- How many there may be: imports go first, so polls leave them the threads and the requests that they need at this moment, but
-- for half of the threads: an account that could use them all would else end with all its polls to ask.
local function width(account, lane, now)
  local most, there = full_width(account, lane), threads(now)
  local half = math.floor(there / 2)
  if lane == 'deliver' then
    if half == 0 or most <= there - half then return most end
    local polls = leased(account, 'confirm', now)
    if polls < half then polls = polls + count_due(account, 'confirm', now, half - polls) end
    return math.max(1, math.min(most, there - math.min(polls, half)))
  end
  local imports = full_width(account, 'deliver')
  local held = leased(account, 'deliver', now)
  if held < imports then imports = held + count_due(account, 'deliver', now, imports - held) end
  if imports > 0 then
    local taken, requests = rates(account)
    most = hands(account, requests - taken)
  end
  return math.max(1, math.min(most, math.max(half, there - imports)))
end

-- Whether the pacer could let a request of this lane go within two seconds.
local function opens_soon(account, lane, now)
  local f = redis.call('HMGET', K.pace(account), 'gate', 'next_any', 'next_import')
  local at = math.max(tonumber(f[1] or 0), tonumber(f[2] or 0), lane == 'deliver' and tonumber(f[3] or 0) or 0)
  return math.min(at, now + 300000) <= now + 2000
end
