-- uses: standing, blocks, runs, readers, membership
-- Ends a survey: its figures, its selection and its rejects are written in one step.
--   run(id), selection(run), rejects(run), held_back(run), and lib/membership.lua's
-- ARGV: run, token, figures (JSON: name -> value), selection, forecast (JSON), pin, how many pages of rejects, these, and
--       pages of those held back
-- Returns 'ok', 'lost' (somebody else reads) or 'over'.
local run, token = ARGV[1], ARGV[2]
local now = clock()
local why_not = may_not_read(run, token)
if why_not then return why_not end
local key, figures = K.run(run), cjson.decode(ARGV[3])
for name, value in pairs(figures) do redis.call('HSET', key, name, value) end
redis.call('HSET', key, 'surveyed', now, 'forecast', ARGV[5], 'pin', ARGV[6], 'cursor', 0, 'sequence', 0, 'packed', 0)
redis.call('SET', K.selection(run), ARGV[4])
redis.call('DEL', K.rejects(run), K.held_back(run))
local pages = 7 + tonumber(ARGV[7])
for i = 8, #ARGV do redis.call('RPUSH', i <= pages and K.rejects(run) or K.held_back(run), ARGV[i]) end
if redis.call('HGET', key, 'dry_run') ~= '1' then enrol(run) end
if redis.call('HGET', key, 'dry_run') == '1' then
  redis.call('HSET', key, 'unsent', figures.selected, 'reading_ended', now)
elseif figures.selected == 0 then
  redis.call('HSET', key, 'reading_ended', now)
end
close(run, now)
return 'ok'
