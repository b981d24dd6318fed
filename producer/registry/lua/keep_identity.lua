-- Keeps what tells a connection's account from others, unless host or key are others by now.
--   connection(id)  hash  `account`: its host, `secret`, `identity`, `identify_at`
-- ARGV: id, host, sealed key, identity (JSON) or '' to keep the one there is, ms until it is to be looked at again
-- Returns 'kept' or 'changed'.
local key = K.connection(ARGV[1])
local f = redis.call('HMGET', key, 'account', 'secret')
if f[1] ~= ARGV[2] or f[2] ~= ARGV[3] then return 'changed' end
if ARGV[4] ~= '' then redis.call('HSET', key, 'identity', ARGV[4]) end
redis.call('HSET', key, 'identify_at', string.format('%.0f', clock() + tonumber(ARGV[5])))
return 'kept'
