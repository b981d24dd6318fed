-- uses: audit, registry, memory
-- Creates a connection or changes it, if it is still what its writer read.
--   connections     hash  name -> id
--   connection(id)  hash  `document`, `secret`, `account`
--   block(id)       hash  a mended connection is probed at once
-- ARGV: id, name, document (JSON), account, secret or '' to keep it, the document it replaces or '' for a new one,
--       what the trail says of it
-- Returns 'saved'; 'taken' if the name is another's; 'changed' if it is not what was read; 'busy' if runs are under way and
-- the account would change under them.
local id, name, document, account, secret, was, said = unpack(ARGV)
local before = redis.call('HMGET', K.connection(id), 'document', 'account')
if (before[1] or '') ~= was then return 'changed' end
local owner = redis.call('HGET', K.connections(), name)
if owner and owner ~= id then return 'taken' end -- rule: a name has one owner
if before[2] and before[2] ~= account and #under_way('connection', id) > 0 then return 'busy' end

if is_filling() then return redis.error_reply(FULL) end
if was ~= '' then redis.call('HDEL', K.connections(), cjson.decode(was).name) end
redis.call('HSET', K.connections(), name, id)
redis.call('HSET', K.connection(id), 'document', document, 'account', account)
if secret ~= '' then redis.call('HSET', K.connection(id), 'secret', secret) end
rewrite_limits(account)
if before[2] and before[2] ~= account then rewrite_limits(before[2]) end
if redis.call('HDEL', K.block(id), 'sent') == 1 or redis.call('HEXISTS', K.block(id), 'probe_at') == 1 then
  redis.call('HSET', K.block(id), 'probe_at', clock())
end
changed()
note(said, {what = was == '' and 'connection.created' or 'connection.changed', kind = 'connection', name = name, id = id})
return 'saved'
