-- uses: pace
-- flags: allow-oom
-- Says what an account allows at this moment.
--   account, pace   as in lib/pace.lua
--   lane(a)  zset   the runs that share it
-- ARGV: account
-- Returns imports a minute (text), share of them that is used since a throttle (text), ms until the gate opens, the runs, and
-- requests a second (text).
local account, now = ARGV[1], clock()
local gate = math.min(tonumber(redis.call('HGET', K.pace(account), 'gate') or 0), now + FURTHEST_GATE)
return {redis.call('HGET', K.account(account), LIMIT['import']) or tostring(PUBLISHED['import']),
  tostring(share(account, 'import', now)), math.max(0, math.ceil(gate - now)), redis.call('ZRANGE', K.lane(account), 0, -1),
  redis.call('HGET', K.account(account), LIMIT['any']) or tostring(PUBLISHED['any'])}
