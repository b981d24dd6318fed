-- flags: allow-oom
-- Notes that the append-only file was written anew, unless somebody was erased since then.
--   forgetting  hash  as in erased.lua
-- ARGV: what stood there before it began
if redis.call('HGET', K.forgetting(), '') == ARGV[1] then redis.call('HDEL', K.forgetting(), '') end
