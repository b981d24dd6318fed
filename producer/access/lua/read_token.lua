-- Reads a token while its time is not over; whether the secret is right is not for a script to compare.
--   token(id)  hash  `document`, `digest`, `expires`, `used`
-- ARGV: id, how often its use is noted, in ms
-- Returns {document, digest, 1 if its use is to be noted or 0}, or nothing if there is none.
local f = redis.call('HMGET', K.token(ARGV[1]), 'document', 'digest', 'expires', 'used')
local now = clock()
if not f[1] or tonumber(f[3]) <= now then return false end
local is_due = not f[4] or math.abs(now - tonumber(f[4])) >= tonumber(ARGV[2])
return {f[1], f[2], is_due and 1 or 0}
