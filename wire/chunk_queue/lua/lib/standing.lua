-- A run's own clock, which stands still while the run is paused or blocked: patience is measured on it.
--   run(id)  hash  `still`: milliseconds stood still so far; `standing`: since when it stands now

local function run_clock(run, now)
  local f = redis.call('HMGET', K.run(run), 'still', 'standing')
  return (f[2] and tonumber(f[2]) or now) - tonumber(f[1] or 0)
end

local function stand_still(run, now)
  redis.call('HSETNX', K.run(run), 'standing', now)
end

-- Goes on unless another reason to stand remains.
local function go_on(run, now)
  local f = redis.call('HMGET', K.run(run), 'standing', 'paused', 'connection')
  if not f[1] or f[2] then return end
  if redis.call('HGET', K.block(run), 'blocked') == '1' then return end
  if redis.call('HGET', K.block(f[3] or ''), 'blocked') == '1' then return end
  redis.call('HINCRBY', K.run(run), 'still', math.max(0, now - tonumber(f[1])))
  redis.call('HDEL', K.run(run), 'standing')
end
