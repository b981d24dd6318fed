-- uses: standing, blocks, runs, registry, membership
-- flags: allow-oom
-- Deletes an export with all that it knows of people, and cancels its runs.
--   exports, export(id), memberships(id)   gone
-- ARGV: name
-- Returns the ids of runs it ended, or nothing if there is no such export.
local now = clock()
local id = redis.call('HGET', K.exports(), ARGV[1])
if not id then return false end
local ended = {}
for _, run in ipairs(under_way('export', id)) do
  if end_early(run, 'cancelled', 'the export was deleted', now) then ended[#ended + 1] = run end
end
redis.call('HDEL', K.exports(), ARGV[1])
redis.call('DEL', K.export(id))
drop_others(id)
changed()
return ended
