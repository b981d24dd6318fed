-- Messages to notification channels.
--   deliveries          zset  message on its way -> due
--   delivery(id)        hash  `channel`, `body`, `state`, `attempts`, `created`, `since`, `lease`, `note`
--   letters(ch, state)  zset  the same by channel and state, since when

local KEPT_MS = 30 * 86400000
local MOST_ENDED = 1000

local function move(id, channel, from, to, now)
  redis.call('ZREM', K.letters(channel, from), id)
  redis.call('ZADD', K.letters(channel, to), now, id)
  redis.call('HSET', K.delivery(id), 'state', to, 'since', now)
end

-- Forgets of a channel what ended long ago, and the oldest beyond so many.
local function trim(channel, state, now)
  local key = K.letters(channel, state)
  local old = redis.call('ZRANGE', key, '-inf', now - KEPT_MS, 'BYSCORE')
  for _, id in ipairs(redis.call('ZRANGE', key, 0, -MOST_ENDED - 1)) do old[#old + 1] = id end
  for _, id in ipairs(old) do
    redis.call('ZREM', key, id)
    redis.call('DEL', K.delivery(id))
  end
end

local function send(id, channel, body, now)
  redis.call('HSET', K.delivery(id), 'channel', channel, 'body', body, 'state', 'pending', 'attempts', 0, 'created', now,
    'since', now)
  redis.call('ZADD', K.letters(channel, 'pending'), now, id)
  redis.call('ZADD', K.deliveries(), now, id)
end
