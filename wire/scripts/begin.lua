-- uses: audit, news, standing, blocks, runs
-- flags: allow-oom
-- Hands out a run to be read: one that has the claim on its list, and whose reader, if it had one, is gone.
--   reading         zset  run -> until when its reader's lease holds
--   turns(a, list)  zset  the first run has the claim
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
  local claims = redis.call('ZRANGE', K.turns(f[1] or '', f[2] or ''), 0, 0)[1] == run
  local may = f[1] and (f[5] or not f[4])
  if not claims and f[3] ~= '1' then may = false end -- rule: one run at a time into a list
  if may then
    redis.call('HSET', key, 'reader', ARGV[1])
    redis.call('HSETNX', key, 'begun', now)
    redis.call('ZADD', K.reading(), now + tonumber(ARGV[2]), run)
    return {run, unpack(redis.call('HGETALL', key))}
  end
end
return false
