-- uses: audit, registry, sharing, accounts, memory
-- Creates a connection or changes it, if it is still what its writer read.
--   connections     hash  name -> id
--   connection(id)  hash  `document`, `secret`, `account`: its host, `account_set`, `identity`
--   account_names   hash  which account answers at its host
--   block(id)       hash  a mended connection is probed at once
-- ARGV: id, name, document (JSON), host, secret or '' to keep it, the document it replaces or '' for a new one,
--       what the trail says of it, the account that answers at its host or '' for what is known of that, '1' if a person says
--       so, what tells its account from others (JSON) or '' to keep it
-- Returns 'saved'; 'taken' if the name is another's; 'changed' if it is not what was read; 'busy' if runs are under way and
-- the account would change under them.
local LOOK_AGAIN = 86400000
local id, name, document, host, secret, was, said, account, by_person, identity = unpack(ARGV)
local before = redis.call('HMGET', K.connection(id), 'document', 'account', 'account_set')
local now = clock()
if account == '' then account = account_of(host) end
if (before[1] or '') ~= was then return 'changed' end
local owner = redis.call('HGET', K.connections(), name)
if owner and owner ~= id then return 'taken' end -- rule: a name has one owner
local function is_busy()
  if before[2] and account_of(before[2]) ~= meant(host, account) and before[2] ~= host then
    return #under_way('connection', id) > 0
  end
  if not would_part(host, account) then return false end
  for _, other in ipairs(redis.call('HVALS', K.connections())) do
    if redis.call('HGET', K.connection(other), 'account') == host and #under_way('connection', other) > 0 then return true end
  end
  return #under_way('account', host) > 0
end
if is_busy() then return 'busy' end

if is_filling() then return redis.error_reply(FULL) end
if was ~= '' then redis.call('HDEL', K.connections(), cjson.decode(was).name) end
redis.call('HSET', K.connections(), name, id)
redis.call('HSET', K.connection(id), 'document', document, 'account', host)
redis.call('HDEL', K.connection(id), 'account_set')
if by_person == '1' or before[3] or account == host then
  answer_at(host, account, before[3], now)
else
  unite(account_of(host), account_of(account), true, now)
end
if by_person == '1' then redis.call('HSET', K.connection(id), 'account_set', account) end
if identity ~= '' then
  local is_known = cjson.decode(identity).lists ~= cjson.null
  redis.call('HSET', K.connection(id), 'identity', identity, 'identify_at', is_known and string.format('%.0f', now + LOOK_AGAIN) or 0)
end
if secret ~= '' then redis.call('HSET', K.connection(id), 'secret', secret) end
rewrite_limits(host)
if before[2] and before[2] ~= host then rewrite_limits(before[2]) end
if redis.call('HDEL', K.block(id), 'sent') == 1 or redis.call('HEXISTS', K.block(id), 'probe_at') == 1 then
  redis.call('HSET', K.block(id), 'probe_at', now)
end
changed()
note(said, {what = was == '' and 'connection.created' or 'connection.changed', kind = 'connection', name = name, id = id})
return 'saved'
