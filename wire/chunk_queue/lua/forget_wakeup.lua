-- flags: allow-oom
-- Forgets bells that could not be put on the queue: whoever sweeps next rings again.
--   bells(a)  zset  bells rung and not yet heard
-- ARGV: account, bell, account, bell, ...
-- Returns 'forgotten'.
for i = 1, #ARGV, 2 do redis.call('ZREM', K.bells(ARGV[i]), ARGV[i + 1]) end
return 'forgotten'
