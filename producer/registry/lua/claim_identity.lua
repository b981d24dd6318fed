-- Hands out connections whose account is to be looked at, each to one producer.
--   connections, connection(id)  hash  `identify_at`: not before; absent: now
-- ARGV: how many at most, ms for which the others leave them alone, the longest time between two looks in ms
-- Returns ids.
local now, found = clock(), {}
for _, id in ipairs(redis.call('HVALS', K.connections())) do
  if #found == tonumber(ARGV[1]) then break end
  local at = tonumber(redis.call('HGET', K.connection(id), 'identify_at') or 0)
  if (at <= now or at > now + tonumber(ARGV[3])) and redis.call('HEXISTS', K.connection(id), 'secret') == 1 then
    redis.call('HSET', K.connection(id), 'identify_at', string.format('%.0f', now + tonumber(ARGV[2])))
    found[#found + 1] = id
  end
end
return found
