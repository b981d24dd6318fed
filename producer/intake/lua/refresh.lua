-- uses: audit, news, standing, blocks, runs, opening, memory
-- Takes an event, once: writes its id, its runs and the answer in one step.
--   event(digest)  hash  `fingerprint` of its data, `answer`
--   segment(name)  hash  `snapshot`, `time`, `accepted`, `event`
--   segments, revision, and lib/opening.lua's
-- ARGV: digest, fingerprint, retention in ms, segment, snapshot, time in ms or '', event's name, revision, why there are no
--       runs if there are none, what the trail says of who published it, run, run, ... (JSON)
-- Returns the answer (JSON); 'conflict' if the id was used for other data; 'changed' if exports changed meanwhile.
local digest, fingerprint, segment, snapshot = ARGV[1], ARGV[2], ARGV[4], ARGV[5]
local now = clock()
local seen = redis.call('HMGET', K.event(digest), 'fingerprint', 'answer')
if seen[1] then return seen[1] == fingerprint and seen[2] or 'conflict' end -- rule: the same event again opens nothing
if is_filling() then return redis.error_reply(FULL) end
if (redis.call('GET', K.revision()) or '0') ~= ARGV[8] then return 'changed' end

local time = math.min(tonumber(ARGV[6]) or now, now)
local last = tonumber(redis.call('HGET', K.segment(segment), 'time') or 0)
local answer = {runs = {}}
redis.call('SADD', K.segments(), segment)
if time < last then
  answer.reason = 'stale: a refresh of this segment with a later time was accepted before'
elseif #ARGV == 10 then
  answer.reason = ARGV[9]
end
if time >= last then
  redis.call('HSET', K.segment(segment), 'snapshot', snapshot, 'time', time, 'accepted', now, 'event', ARGV[7])
  for i = 11, #ARGV do
    local run = cjson.decode(ARGV[i])
    if supersede(run, now) then run.mode = 'full' end
    open_run(run, now, ARGV[10], ARGV[7])
    answer.runs[#answer.runs + 1] = run.id
  end
end
local text = #answer.runs == 0 and '{"runs":[],"reason":' .. cjson.encode(answer.reason) .. '}' or cjson.encode(answer)
redis.call('HSET', K.event(digest), 'fingerprint', fingerprint, 'answer', text)
redis.call('PEXPIRE', K.event(digest), ARGV[3])
return text
