-- uses: standing, blocks, runs, registry
-- flags: allow-oom
-- A person's hand on a run; every action may be repeated.
--   run(id)  hash  `paused`, `trusted` (a person took the responsibility a brake or a verdict asked for)
-- ARGV: run, action (pause, resume, cancel), '1' to accept what blocked it, '1' if a contributor asks
-- Returns 'done', 'already' (nothing to do), 'over', 'unknown', or 'closed' if a contributor asks and its connection is not
-- open to contributors.
local run, action = ARGV[1], ARGV[2]
local key = K.run(run)
local now = clock()
local f = redis.call('HMGET', key, 'account', 'connection', 'paused', 'ending')
if not f[1] then return 'unknown' end
if ARGV[4] == '1' and not open_to_contributors(f[2]) then return 'closed' end
if is_over(run) then return 'over' end
if action == 'cancel' then return end_early(run, 'cancelled', '', now) and 'done' or 'already' end
if action == 'pause' then
  if f[3] or f[4] then return 'already' end
  redis.call('HSET', key, 'paused', now)
  stand_still(run, now)
  return 'done'
end
local done = redis.call('HDEL', key, 'paused') == 1
-- What is accepted is what the run was stopped for: to pass a brake is not yet to believe refusals. Whoever goes on beyond the
-- contract knows that those over it are refused.
local code = redis.call('HGET', K.block(run), 'code')
if ARGV[3] == '1' and code ~= 'brake' then redis.call('HSET', key, 'trusted', '1') end
-- What is probed may be probed at once; what waits for a person has found one.
for _, scope in ipairs({run, f[2]}) do
  if redis.call('HEXISTS', K.block(scope), 'probe_at') == 1 then
    redis.call('HSET', K.block(scope), 'probe_at', now)
    done = true
  elseif redis.call('EXISTS', K.block(scope)) == 1
    and (redis.call('HGET', K.block(scope), 'asks') ~= '1' or ARGV[3] == '1') then
    lift(scope, f[1], now)
    done = true
  end
end
go_on(run, now)
return done and 'done' or 'already'
