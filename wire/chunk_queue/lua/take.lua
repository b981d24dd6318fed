-- uses: audit, news, standing, blocks, runs, turns, pace, lanes, going, taking
-- flags: allow-oom
-- Answers a bell with a chunk that is due (lib/taking.lua).
--   bells(a)      zset  this bell is heard
-- ARGV: account, bell, token, lease in ms
redis.call('ZREM', K.bells(ARGV[1]), ARGV[2])
return take(ARGV[1], ARGV[3], tonumber(ARGV[4]), clock())
