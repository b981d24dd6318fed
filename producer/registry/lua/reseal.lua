-- uses: audit
-- flags: allow-oom
-- Puts a connection's key, sealed anew, in the place of the same key as it was sealed before.
--   connection(id)  hash  `secret`
-- ARGV: id, sealed as it was, sealed anew, what the trail says of who asks
-- Returns 'saved', or 'changed' if it is not what was read, or gone.
local key = K.connection(ARGV[1])
if redis.call('HGET', key, 'secret') ~= ARGV[2] then return 'changed' end
redis.call('HSET', key, 'secret', ARGV[3])
note(ARGV[4], {what = 'connection.resealed', kind = 'connection', id = ARGV[1],
  name = cjson.decode(redis.call('HGET', key, 'document')).name})
return 'saved'
