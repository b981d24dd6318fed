-- uses: audit, news, standing, blocks, runs, opening, memory
-- Writes when an export's schedule comes next, and opens the run of the time that came: once, whoever looks at the clock.
--   scheduled(id)  hash  `next`
--   revision, and lib/opening.lua's
-- ARGV: export, the next time as it was read or '', the one that follows or '', revision, run (JSON) or ''
-- Returns the run's id, 'kept' without one, or 'changed' if exports changed or somebody else kept this time.
local export, was, following = ARGV[1], ARGV[2], ARGV[3]
local now = clock()
if (redis.call('GET', K.revision()) or '0') ~= ARGV[4] then return 'changed' end
if (redis.call('HGET', K.scheduled(export), 'next') or '') ~= was then return 'changed' end -- rule: a time is kept once
if ARGV[5] ~= '' and is_filling() then return redis.error_reply(FULL) end

if following == '' then
  redis.call('DEL', K.scheduled(export))
else
  redis.call('HSET', K.scheduled(export), 'next', following)
end
if ARGV[5] == '' then return 'kept' end
local run = cjson.decode(ARGV[5])
if supersede(run, now, run.trigger) then run.mode = 'full' end
open_run(run, now, '')
return run.id
