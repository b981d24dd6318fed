-- flags: allow-oom
-- Notes that a token was used now, unless it was revoked meanwhile.
--   token(id)  hash  `used`
-- ARGV: id
if redis.call('EXISTS', K.token(ARGV[1])) == 1 then redis.call('HSET', K.token(ARGV[1]), 'used', clock()) end
