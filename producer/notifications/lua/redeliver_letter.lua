-- uses: audit, letters, memory
-- Sends a message that is dead, or was delivered, once more from the beginning, under the same id.
-- ARGV: channel, id, what the trail says of who asks
-- Returns 'done', 'already' if it is on its way, or nothing if the channel has no such message.
local channel, id = ARGV[1], ARGV[2]
local now = clock()
local f = redis.call('HMGET', K.delivery(id), 'channel', 'state')
if f[1] ~= channel then return false end
if f[2] == 'pending' then return 'already' end
if is_filling() then return redis.error_reply(FULL) end
move(id, channel, f[2], 'pending', now)
redis.call('HSET', K.delivery(id), 'attempts', 0)
redis.call('ZADD', K.deliveries(), now, id)
note(ARGV[3], {what = 'notification.redelivered', kind = 'notification', id = channel,
  name = cjson.decode(redis.call('HGET', K.channel(channel), 'document')).name, facts = {message = id}})
return 'done'
