-- uses: audit, news, standing, blocks, runs, registry, membership
-- flags: allow-oom
-- Deletes an export with all that it knows of people, and cancels its runs.
--   exports, export(id), memberships(id), scheduled(id), health(id)   gone
-- ARGV: name, '1' if a contributor asks, what the trail says of who asks
-- Returns the ids of runs it ended, nothing if there is no such export, or 'closed' if a contributor asks and its connection
-- is not open to contributors.
local now = clock()
local id = redis.call('HGET', K.exports(), ARGV[1])
if not id then return false end
if ARGV[2] == '1' and not open_to_contributors(redis.call('HGET', K.export(id), 'connection')) then return 'closed' end
note(ARGV[3], {what = 'export.deleted', kind = 'export', name = ARGV[1], id = id,
  was = redis.call('HGET', K.export(id), 'document')})
local ended = {}
for _, run in ipairs(under_way('export', id)) do
  if end_early(run, 'cancelled', 'the export was deleted', now) then ended[#ended + 1] = run end
end
redis.call('HDEL', K.exports(), ARGV[1])
redis.call('DEL', K.export(id), K.scheduled(id), K.health(id))
drop_others(id)
changed()
return ended
