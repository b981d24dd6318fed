-- uses: audit, news, standing, blocks, runs, turns, sharing, membership
-- flags: allow-oom
-- Hands out a run to be read: one that has the claim on its list, and whose reader, if it had one, is gone.
--   reading         zset  run -> until when its reader's lease holds
--   turns(a, list)  zset  the first run has the claim
--   run(id)         hash  `account`: the host under which its export knows the people of the list
-- ARGV: token, lease in ms, 'again' if this was asked before under the same token and its answer was lost
-- Returns the run's record as a flat list, with its id first, or nothing.
local now = clock()
for _, run in ipairs(ARGV[3] == 'again' and redis.call('ZRANGE', K.reading(), 0, -1) or {}) do
  if redis.call('HGET', K.run(run), 'reader') == ARGV[1] then
    redis.call('ZADD', K.reading(), now + tonumber(ARGV[2]), run)
    return {run, unpack(redis.call('HGETALL', K.run(run)))}
  end
end
for _, run in ipairs(redis.call('ZRANGE', K.reading(), '-inf', now, 'BYSCORE')) do
  local key = K.run(run)
  local f = redis.call('HMGET', key, 'account', 'list', 'dry_run', 'paused', 'begun')
  if f[1] and account_of(f[1]) ~= f[1] then bring_turns(f[1], account_of(f[1]), f[2]) end -- of an older program
  local claims = f[1] and first_of_turns(f[1], f[2]) == run
  local may = f[1] and (f[5] or not f[4])
  if not claims and f[3] ~= '1' then may = false end -- rule: one run at a time into a list
  if may then
    redis.call('HSET', key, 'reader', ARGV[1])
    settle_place(run)
    redis.call('HSETNX', key, 'begun', now)
    redis.call('ZADD', K.reading(), now + tonumber(ARGV[2]), run)
    return {run, unpack(redis.call('HGETALL', key))}
  end
end
return false
