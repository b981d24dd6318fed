-- uses: audit
-- flags: allow-oom
-- Deletes a notification channel with its secret and its messages.
-- ARGV: name, what the trail says of who asks
-- Returns 'deleted', or nothing if there is none of that name.
local id = redis.call('HGET', K.channels(), ARGV[1])
if not id then return false end
for _, state in ipairs({'pending', 'delivered', 'dead'}) do
  for _, letter in ipairs(redis.call('ZRANGE', K.letters(id, state), 0, -1)) do
    redis.call('ZREM', K.deliveries(), letter)
    redis.call('DEL', K.delivery(letter))
  end
  redis.call('DEL', K.letters(id, state))
end
redis.call('HDEL', K.channels(), ARGV[1])
redis.call('DEL', K.channel(id))
note(ARGV[2], {what = 'notification.deleted', kind = 'notification', name = ARGV[1], id = id})
return 'deleted'
