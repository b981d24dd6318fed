-- uses: audit
-- flags: allow-oom
-- Makes a token nobody's.
--   tokens, token(id)  gone
-- ARGV: name, what the trail says of who asks
-- Returns {document, when it was last used or ''}, or nothing if there is no such token.
local id = redis.call('HGET', K.tokens(), ARGV[1])
if not id then return false end
local f = redis.call('HMGET', K.token(id), 'document', 'used')
redis.call('HDEL', K.tokens(), ARGV[1])
redis.call('DEL', K.token(id))
note(ARGV[2], {what = 'token.revoked', kind = 'token', name = ARGV[1], id = id, was = f[1]})
return {f[1], f[2] or ''}
