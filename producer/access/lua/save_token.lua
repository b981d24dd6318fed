-- uses: audit, memory
-- Keeps a new token under a name that nobody has.
--   tokens     hash  name -> id
--   token(id)  hash  `document`, `digest`, `expires`
-- ARGV: id, name, document (JSON), digest of the secret, end in ms, what the trail says of it
-- Returns 'saved', or 'taken' if the name is another's.
local id, name = ARGV[1], ARGV[2]
if is_filling() then return redis.error_reply(FULL) end
if redis.call('HSETNX', K.tokens(), name, id) == 0 then return 'taken' end
redis.call('HSET', K.token(id), 'document', ARGV[3], 'digest', ARGV[4], 'expires', ARGV[5])
note(ARGV[6], {what = 'token.issued', kind = 'token', name = name, id = id})
return 'saved'
