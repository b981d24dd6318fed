-- uses: audit, registry, memory
-- Creates an export or changes it, if it is still what its writer read; runs under way keep their copy.
--   exports     hash  name -> id
--   export(id)  hash  `document`, `connection`
--   scheduled(id)     gone if its times are others now: what they missed before is nobody's to make up for
-- ARGV: id, name, document (JSON), connection's id or '' (detached), the document it replaces or '' for a new one,
--       the connection it had or '', '1' if the writer is a contributor, what the trail says of it, '1' if its times are
--       others now
-- Returns 'saved'; 'taken' if the name is another's; 'changed' if it is not what was read; 'unknown' if there is no such
-- connection; 'closed' if a contributor writes over a connection that is not open to contributors, or was.
local id, name, document, connection, was, was_connection, by_contributor, said, retimed = unpack(ARGV)
local before = redis.call('HMGET', K.export(id), 'document', 'connection')
if (before[1] or '') ~= was or (before[2] or '') ~= was_connection then return 'changed' end
local owner = redis.call('HGET', K.exports(), name)
if owner and owner ~= id then return 'taken' end -- rule: a name has one owner
if connection ~= '' and redis.call('EXISTS', K.connection(connection)) == 0 then return 'unknown' end
if by_contributor == '1' then
  local before_open = was == '' or open_to_contributors(was_connection)
  if not before_open or not open_to_contributors(connection) then return 'closed' end
end

if is_filling() then return redis.error_reply(FULL) end
if was ~= '' then redis.call('HDEL', K.exports(), cjson.decode(was).name) end
redis.call('HSET', K.exports(), name, id)
redis.call('HSET', K.export(id), 'document', document)
if connection == '' then
  redis.call('HDEL', K.export(id), 'connection')
else
  redis.call('HSET', K.export(id), 'connection', connection)
end
if retimed == '1' then redis.call('DEL', K.scheduled(id)) end
changed()
note(said, {what = was == '' and 'export.created' or 'export.changed', kind = 'export', name = name, id = id})
return 'saved'
