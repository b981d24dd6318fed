-- uses: membership
-- flags: allow-oom
-- Erases what an export knows of one address.
--   membership, members   as in lib/membership.lua
-- ARGV: export, account, list, address
-- Returns how many entries there were: 0 or 1.
local e, a, l, address = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local key = K.membership(e, a, l)
local level, split = buckets(key)
local gone = redis.call('HDEL', K.members(e, a, l, bucket_of(address, level, split)), address)
if gone == 1 then redis.call('HINCRBY', key, 'members', -1) end
return gone
