-- flags: allow-oom
-- Puts a channel's secret, sealed anew, in the place of itself.
-- ARGV: id, the sealed secret as it was read, the same sealed anew
-- Returns 'saved', or 'changed' if it is not what was read.
if redis.call('HGET', K.channel(ARGV[1]), 'secret') ~= ARGV[2] then return 'changed' end
redis.call('HSET', K.channel(ARGV[1]), 'secret', ARGV[3])
return 'saved'
