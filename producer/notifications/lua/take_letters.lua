-- uses: letters
-- flags: allow-oom
-- Hands out messages that are due, each under a lease: who is killed with one in hand leaves it to the next.
-- ARGV: token, lease in ms, how many at most
-- Returns for each: id, body, how often it was tried, its channel's document, its channel's secret.
local now, taken = clock(), {}
for _, id in ipairs(redis.call('ZRANGE', K.deliveries(), '-inf', now, 'BYSCORE', 'LIMIT', 0, tonumber(ARGV[3]))) do
  local f = redis.call('HMGET', K.delivery(id), 'channel', 'body')
  local channel = f[1] and redis.call('HMGET', K.channel(f[1]), 'document', 'secret') or {}
  if not channel[1] then
    redis.call('ZREM', K.deliveries(), id)
    redis.call('DEL', K.delivery(id))
  else
    local attempts = redis.call('HINCRBY', K.delivery(id), 'attempts', 1)
    redis.call('HSET', K.delivery(id), 'lease', ARGV[1])
    redis.call('ZADD', K.deliveries(), now + tonumber(ARGV[2]), id)
    taken[#taken + 1] = {id, f[2], attempts, channel[1], channel[2] or ''}
  end
end
return taken
