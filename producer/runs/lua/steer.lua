-- uses: audit, news, standing, blocks, runs, registry
-- flags: allow-oom
-- A person's hand on a run; every action may be repeated.
--   run(id)  hash  `paused`, `trusted` (a person took the responsibility a brake or a verdict asked for), `declined` (the run
--                  goes on, and unsubscribes none of its leavers)
-- ARGV: run, action (pause, resume, cancel), '1' to accept what blocked it, '1' if a contributor asks, what the trail says of
--       who asks
-- Returns 'done', 'already' (nothing to do), 'over', 'unknown', or 'closed' if a contributor asks and its connection is not
-- open to contributors.
local run, action = ARGV[1], ARGV[2]
local key = K.run(run)
local now = clock()
local f = redis.call('HMGET', key, 'account', 'connection', 'paused', 'ending')
if not f[1] then return 'unknown' end
if ARGV[4] == '1' and not open_to_contributors(f[2]) then return 'closed' end
if is_over(run) then return 'over' end
if action == 'cancel' then
  if redis.call('HEXISTS', key, 'ending') == 1 then return 'already' end
  note(ARGV[5], about_run(run, 'run.cancelled'))
  end_early(run, 'cancelled', '', now)
  return 'done'
end
if action == 'pause' then
  if f[3] or f[4] then return 'already' end
  redis.call('HSET', key, 'paused', now)
  note(ARGV[5], about_run(run, 'run.paused'))
  stand_still(run, now)
  return 'done'
end
-- What is probed may be probed at once; what waits for a person has found one.
local accepts = ARGV[3] == '1'
-- Leavers who are proposed one run at a time: without acceptance the run goes on, and they wait.
local declines = not accepts and redis.call('HGET', K.block(run), 'code') == 'leavers_by_hand'
local probed, lifted = {}, {}
for _, scope in ipairs({run, f[2]}) do
  local b = redis.call('HMGET', K.block(scope), 'code', 'probe_at', 'asks')
  if b[2] then
    probed[#probed + 1] = scope
  elseif b[1] and (b[3] ~= '1' or accepts or declines and scope == run) then
    lifted[#lifted + 1] = scope
  end
end
-- What is accepted is what the run was stopped for: to pass a brake or to let leavers go is not yet to believe refusals. Whoever goes on beyond the
-- contract knows that those over it are refused.
local code = redis.call('HGET', K.block(run), 'code')
local trusts = accepts and not ({brake = true, leavers_guard = true, leavers_by_hand = true})[code or '']
local done = f[3] or #probed + #lifted > 0
if done or trusts and redis.call('HEXISTS', key, 'trusted') == 0 then
  note(ARGV[5], about_run(run, 'run.resumed', {accepted = accepts and (code or 'refusals') or nil,
    declined = declines and code or nil}))
end
if declines then keep_leavers(run) end
redis.call('HDEL', key, 'paused')
if trusts then redis.call('HSET', key, 'trusted', '1') end
for _, scope in ipairs(probed) do redis.call('HSET', K.block(scope), 'probe_at', now) end
for _, scope in ipairs(lifted) do lift(scope, f[1], now) end
go_on(run, now)
if declines then close(run, now) end
return done and 'done' or 'already'
