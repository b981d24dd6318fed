-- flags: allow-oom
-- Renews the leases of a living process, all in one call, and counts the process as alive.
--   workers  zset  `process/threads` -> until when it counts
--   chunk, ready, accepted, leases   as in take.lua
-- ARGV: process, threads, lease in ms, then for every chunk account, run, chunk, lane, fence
local now, lease = clock(), tonumber(ARGV[3])
if ARGV[1] ~= '' then redis.call('ZADD', K.workers(), now + 30000, ARGV[1] .. '/' .. ARGV[2]) end
for i = 4, #ARGV, 5 do
  local account, run, id, lane, fence = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local f = redis.call('HMGET', K.chunk(run, id), 'state', 'token', 'batch')
  local queue = lane == 'deliver' and K.ready(run) or K.accepted(run)
  if lane == 'deliver' and f[1] == 'leased' and f[2] == fence or lane == 'confirm' and f[1] == 'accepted' and f[3] == fence then
    redis.call('ZADD', queue, 'XX', now + lease, id)
    redis.call('ZADD', K.leases(account, lane), now + lease, run .. '/' .. id)
  end
end
return 'renewed'
