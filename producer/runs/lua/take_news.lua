-- flags: allow-oom
-- Hands out what happened to runs and was not told yet, the oldest first. Whoever asks has to tell it: nobody else will.
--   news  list  as in lib/news.lua
-- ARGV: how many
-- Returns what happened.
local most = tonumber(ARGV[1])
local taken = redis.call('LRANGE', K.news(), 0, most - 1)
redis.call('LTRIM', K.news(), most, -1)
return taken
