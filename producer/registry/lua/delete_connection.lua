-- uses: audit, news, standing, blocks, runs, registry
-- flags: allow-oom
-- Deletes a connection with its key, detaches its exports and ends its runs.
--   connections, connection(id)   gone
--   exports, export(id)           without `connection`: detached, kept as they are
--   block(id), unread(id)         gone
-- ARGV: name, what the trail says of who asks
-- Returns {names of detached exports, ids of ended runs}, or nothing if there is no such connection.
local now = clock()
local id = redis.call('HGET', K.connections(), ARGV[1])
if not id then return false end
local account = redis.call('HGET', K.connection(id), 'account')

note(ARGV[2], {what = 'connection.deleted', kind = 'connection', name = ARGV[1], id = id,
  was = redis.call('HGET', K.connection(id), 'document')})
local runs = under_way('connection', id)
for _, run in ipairs(runs) do
  if not end_early(run, 'deleted', 'the connection was deleted', now) then
    -- It was ending already, and waited for answers that nobody can ask for now.
    redis.call('HSET', K.run(run), 'ending', 'deleted')
    forget_accepted(run)
    close(run, now)
  end
end

local detached = {}
local exports = redis.call('HGETALL', K.exports())
for i = 1, #exports, 2 do
  if redis.call('HGET', K.export(exports[i + 1]), 'connection') == id then
    redis.call('HDEL', K.export(exports[i + 1]), 'connection')
    detached[#detached + 1] = exports[i]
    note('', {what = 'export.detached', kind = 'export', name = exports[i], id = exports[i + 1], facts = {connection = ARGV[1]}})
  end
end
table.sort(detached)
redis.call('HDEL', K.connections(), ARGV[1])
redis.call('DEL', K.connection(id), K.block(id), K.unread(id))
rewrite_limits(account)
changed()
return {detached, runs}
