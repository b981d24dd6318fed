-- uses: readers
-- flags: allow-oom
-- Renews the lease of runs that a living process reads.
--   reading, run  as in lib/readers.lua
-- ARGV: lease in ms, then run, token, run, token, ...
local now = clock()
for i = 2, #ARGV, 2 do
  if not may_not_read(ARGV[i], ARGV[i + 1]) then
    redis.call('ZADD', K.reading(), 'XX', now + tonumber(ARGV[1]), ARGV[i])
  end
end
return 'renewed'
