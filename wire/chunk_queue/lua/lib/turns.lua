-- Runs into one list of an account take turns.
--   turns(a, list)  zset  runs into the list -> arrival; the first that is not over has the claim

-- The run that has the claim on a list. One that is over is taken away: a program that does not know that two hosts are one
-- account looks for it under another name.
local function first_of_turns(host, list)
  local key = K.turns(host, list)
  local first = redis.call('ZRANGE', key, 0, 0)[1]
  while first do
    local f = redis.call('HMGET', K.run(first), 'account', 'finished')
    if f[1] and not f[2] then return first end
    redis.call('ZREM', key, first)
    first = redis.call('ZRANGE', key, 0, 0)[1]
  end
end

-- Whether a run may send. Of two that were under way when their hosts were found to be one account, the second waits.
local function has_turn(run)
  local f = redis.call('HMGET', K.run(run), 'account', 'list')
  local first = first_of_turns(f[1], f[2])
  return not first or first == run or not redis.call('ZSCORE', K.turns(f[1], f[2]), run)
end
