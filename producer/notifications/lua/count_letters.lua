-- flags: allow-oom
-- Counts the messages of every channel.
-- Returns id, how many are on their way, how many are dead, id, ...
local told = {}
for _, id in ipairs(redis.call('HVALS', K.channels())) do
  told[#told + 1] = id
  told[#told + 1] = redis.call('ZCARD', K.letters(id, 'pending'))
  told[#told + 1] = redis.call('ZCARD', K.letters(id, 'dead'))
end
return told
