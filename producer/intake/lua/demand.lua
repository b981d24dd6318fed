-- uses: audit, news, standing, blocks, runs, opening, memory
-- Opens one run on demand, once for an idempotency key.
--   event(digest)  hash  `fingerprint` of the request, `answer`
--   revision, and lib/opening.lua's
-- ARGV: digest or '', fingerprint, retention in ms, revision, run (JSON), what the trail says of who asks
-- Returns the run's id; 'conflict' if the key was used for another request; 'changed' if exports changed meanwhile.
local digest, fingerprint = ARGV[1], ARGV[2]
local now = clock()
local seen = digest ~= '' and redis.call('HMGET', K.event(digest), 'fingerprint', 'answer') or {}
if seen[1] then return seen[1] == fingerprint and seen[2] or 'conflict' end
if is_filling() then return redis.error_reply(FULL) end
if (redis.call('GET', K.revision()) or '0') ~= ARGV[4] then return 'changed' end
local run = cjson.decode(ARGV[5])
open_run(run, now, ARGV[6])
if digest ~= '' then
  redis.call('HSET', K.event(digest), 'fingerprint', fingerprint, 'answer', run.id)
  redis.call('PEXPIRE', K.event(digest), ARGV[3])
end
return run.id
