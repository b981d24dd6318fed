-- uses: audit, news, standing, blocks, runs, readers, membership, memory
-- Ends a survey: its figures, its selection and its rejects are written in one step.
--   run(id), selection(run), leaving(run), moving(run), rejects(run), held_back(run), moved(run), block(run), and lib/membership.lua's
-- ARGV: run, token, figures (JSON: name -> value), selection, who leaves, forecast (JSON), pin, brake (JSON: code, reason; or
--       ''), how many pages of rejects, of those held back and of changed addresses, whose address has changed, these pages,
--       and of membership addresses and entries, what becomes of the noted absences (note, keep, drop), and their fields
-- Returns 'ok', 'lost' (somebody else reads) or 'over'.
local run, token = ARGV[1], ARGV[2]
local now = clock()
local why_not = may_not_read(run, token)
if why_not then return why_not end
if is_filling() then return redis.error_reply(FULL) end
local key, figures = K.run(run), cjson.decode(ARGV[3])
for name, value in pairs(figures) do redis.call('HSET', key, name, value) end
redis.call('HSET', key, 'surveyed', now, 'forecast', ARGV[6], 'pin', ARGV[7], 'cursor', 0, 'sequence', 0, 'packed', 0)
redis.call('SET', K.selection(run), ARGV[4])
redis.call('SET', K.leaving(run), ARGV[5])
redis.call('SET', K.moving(run), ARGV[12])
local pages = 12
for i, name in ipairs({'rejects', 'held_back', 'moved'}) do
  redis.call('DEL', K[name](run))
  for at = pages + 1, pages + tonumber(ARGV[8 + i]) do redis.call('RPUSH', K[name](run), ARGV[at]) end
  pages = pages + tonumber(ARGV[8 + i])
end
local leaving = figures.leaving or 0
if redis.call('HGET', key, 'dry_run') == '1' then
  redis.call('HSET', key, 'unsent', figures.selected, 'leaving_unsent', leaving, 'reading_ended', now)
else
  enrol(run)
  make_room(run, figures.selected)
  remember(run, ARGV[pages + 1], ARGV[pages + 2])
  note_absent(run, ARGV[pages + 3], pages + 4) -- rule: a dry run is no opinion
  if figures.selected + leaving == 0 then
    redis.call('HSET', key, 'reading_ended', now)
  elseif ARGV[8] ~= '' then
    local brake = cjson.decode(ARGV[8])
    block(run, redis.call('HGET', key, 'account'), {scope = 'run', code = brake.code, reason = brake.reason,
      definite = true, by_hand = true}, now, now)
  end
end
close(run, now)
return 'ok'
