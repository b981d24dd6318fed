-- flags: allow-oom
-- Ends the erasure of an address: nothing of it is left, and this was the last key that held it. The append-only file has
-- it still, which is noted.
--   forgetting  hash  address; and '' -> since when the append-only file is to be written anew
-- ARGV: address, what stood there when it was read
-- Returns 1, or 0 if it was asked for once more meanwhile.
local there = redis.call('HGET', K.forgetting(), ARGV[1])
if there and there ~= ARGV[2] then return 0 end
redis.call('HDEL', K.forgetting(), ARGV[1])
redis.call('HSET', K.forgetting(), '', clock())
return 1
