-- uses: audit, memory
-- Creates a notification channel or changes it, if it is still what its writer read.
--   channels     hash  name -> id
--   channel(id)  hash  `document`, `secret`
-- ARGV: id, name, document (JSON), secret or '' to keep it, the document it replaces or '' for a new one, what
--       the trail says of it
-- Returns 'saved'; 'taken' if the name is another's; 'changed' if it is not what was read.
local id, name, document, secret, was, said = unpack(ARGV)
local before = redis.call('HGET', K.channel(id), 'document') or ''
if before ~= was then return 'changed' end
local owner = redis.call('HGET', K.channels(), name)
if owner and owner ~= id then return 'taken' end -- rule: a name has one owner
if is_filling() then return redis.error_reply(FULL) end
if was ~= '' then redis.call('HDEL', K.channels(), cjson.decode(was).name) end
redis.call('HSET', K.channels(), name, id)
redis.call('HSET', K.channel(id), 'document', document)
if secret ~= '' then redis.call('HSET', K.channel(id), 'secret', secret) end
note(said, {what = was == '' and 'notification.created' or 'notification.changed', kind = 'notification', name = name,
  id = id})
return 'saved'
