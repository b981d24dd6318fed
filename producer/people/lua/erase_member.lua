-- uses: membership
-- flags: allow-oom
-- Erases what an export knows of one address; the person behind it, where their id is known, is forgotten under every other.
--   membership, members   as in lib/membership.lua
--   forgotten   hash  `id:` and the keyed hash of an id -> when
-- ARGV: export, account, list, address
-- Returns how many entries there were: 0 or 1.
local e, a, l, address = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local key = K.membership(e, a, l)
local level, split = buckets(key)
local kept = K.members(e, a, l, bucket_of(address, level, split))
local entry = redis.call('HGET', kept, address)
if not entry then return 0 end
-- It may be the address that they had before: then the entry has them inverted.
for _, person in ipairs({string.sub(entry, ENTRY + 1), string.sub(of_the_past(entry), ENTRY + 1)}) do
  local hex = string.gsub(person, '.', function(byte) return string.format('%02x', string.byte(byte)) end)
  if person ~= '' then redis.call('HSETNX', K.forgotten(), 'id:' .. hex, clock()) end
end
redis.call('HDEL', kept, address)
redis.call('HINCRBY', key, 'members', -1)
return 1
