-- uses: audit
-- flags: allow-oom
-- Notes that somebody is forgotten from now on, and is to be erased.
--   forgotten   hash  keyed hash -> when
--   forgetting  hash  address -> when it was asked, '1' to delete them at ActiveCampaign, too, and runs whose survey may
--                     still know them
--   reading, run(id)  which runs these are
-- ARGV: keyed hash, address, '1' to delete them at ActiveCampaign, too, what the trail says of who asks
-- Returns when they were forgotten first.
redis.call('HSETNX', K.forgotten(), ARGV[1], clock())
local words = {clock(), ARGV[3] == '1' and '1' or '0'}
for _, run in ipairs(redis.call('ZRANGE', K.reading(), 0, -1)) do
  local f = redis.call('HMGET', K.run(run), 'begun', 'surveyed')
  if f[1] and not f[2] then words[#words + 1] = run end
end
note(ARGV[4], {what = 'contact.forgotten', kind = 'contact', id = ARGV[1]})
redis.call('HSET', K.forgetting(), ARGV[2], table.concat(words, ' '))
return redis.call('HGET', K.forgotten(), ARGV[1])
