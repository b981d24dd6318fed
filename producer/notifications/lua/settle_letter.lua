-- uses: letters
-- flags: allow-oom
-- Writes what came of an attempt to deliver a message, if it is still in the hands of whoever says so.
-- ARGV: id, token, 'delivered', 'dead' or 'pending', ms until it is tried again, what was answered, in words of ours
-- Returns 'settled' or 'lost'.
local id, token, to, due_in_ms, note = unpack(ARGV)
local now = clock()
local f = redis.call('HMGET', K.delivery(id), 'channel', 'lease')
if not f[1] or f[2] ~= token then return 'lost' end -- rule: only who has the lease writes
redis.call('HDEL', K.delivery(id), 'lease')
redis.call('HSET', K.delivery(id), 'note', note)
if to == 'pending' then
  redis.call('ZADD', K.deliveries(), now + tonumber(due_in_ms), id)
  return 'settled'
end
redis.call('ZREM', K.deliveries(), id)
move(id, f[1], 'pending', to, now)
trim(f[1], to, now)
return 'settled'
