-- uses: audit
-- flags: allow-oom
-- Puts a channel's secret, sealed anew, in the place of itself.
-- ARGV: id, the sealed secret as it was read, the same sealed anew, what the trail says of who asks
-- Returns 'saved', or 'changed' if it is not what was read.
if redis.call('HGET', K.channel(ARGV[1]), 'secret') ~= ARGV[2] then return 'changed' end
redis.call('HSET', K.channel(ARGV[1]), 'secret', ARGV[3])
note(ARGV[4], {what = 'notification.resealed', kind = 'notification', id = ARGV[1],
  name = cjson.decode(redis.call('HGET', K.channel(ARGV[1]), 'document')).name})
return 'saved'
