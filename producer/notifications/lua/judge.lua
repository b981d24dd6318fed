-- uses: audit, letters
-- flags: allow-oom
-- Writes the state of an export's health and sends what is to be told of it, once: if it still is what was read.
--   health(e)  hash  `state`, `change`: how many-th; `run`; `candidate`, `candidate_since`: what it may become; `version`
--   endings    list  its first is judged with this, if one is named; live states are judged only when there is none
-- ARGV: export, version as read, run that ended or '', run under way that was looked at or '', state, candidate or '',
--       '1' if the state changes, then for each message: its id, its channel, its body
-- Returns 'judged', 'changed' if something else is true by now, or 'gone' if there is no such export.
local export, version, ended, looked_at, state, candidate = unpack(ARGV)
local now = clock()
local first = redis.call('LINDEX', K.endings(), 0)
if ended ~= '' and first ~= ended then return 'changed' end
if ended == '' and first then return 'changed' end -- rule: what ended comes first, in order
if looked_at ~= '' and redis.call('HEXISTS', K.run(looked_at), 'finished') == 1 then return 'changed' end
local is_there = redis.call('EXISTS', K.export(export)) == 1
local key = K.health(export)
if is_there and (redis.call('HGET', key, 'version') or '0') ~= version then return 'changed' end
if ended ~= '' then redis.call('LPOP', K.endings()) end
if not is_there then return 'gone' end

redis.call('HINCRBY', key, 'version', 1)
if candidate == '' then
  redis.call('HDEL', key, 'candidate', 'candidate_since')
elseif redis.call('HGET', key, 'candidate') ~= candidate then
  redis.call('HSET', key, 'candidate', candidate, 'candidate_since', now)
end
if ARGV[7] ~= '1' then return 'judged' end
note('', {what = 'export.health', kind = 'export', id = export, run = ended ~= '' and ended or looked_at ~= '' and looked_at,
  name = cjson.decode(redis.call('HGET', K.export(export), 'document')).name,
  facts = {before = redis.call('HGET', key, 'state') or 'well', after = state}})
redis.call('HSET', key, 'state', state, 'since', now, 'run', ended ~= '' and ended or looked_at)
redis.call('HINCRBY', key, 'change', 1)
for i = 8, #ARGV, 3 do
  if redis.call('EXISTS', K.channel(ARGV[i + 1])) == 1 then send(ARGV[i], ARGV[i + 1], ARGV[i + 2], now) end
end
return 'judged'
