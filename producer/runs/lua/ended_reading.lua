-- uses: audit, news, standing, blocks, runs, readers
-- flags: allow-oom
-- Ends the reading of a run: everything is appended, or it failed.
--   run(id)  hash
-- ARGV: run, token, error or '', sequence and cursor the record is believed at
-- Returns 'ok', 'lost' or 'over'.
local run = ARGV[1]
local now = clock()
local why_not = may_not_read(run, ARGV[2])
if why_not then return why_not end
if ARGV[3] ~= '' then
  end_early(run, 'failed', ARGV[3], now)
  return 'ok'
end
local at = redis.call('HMGET', K.run(run), 'sequence', 'cursor')
if at[1] ~= ARGV[4] or at[2] ~= ARGV[5] then return 'lost' end -- rule: reading ends only where the record stands
local selected, packed = numbers(K.run(run), 'selected', 'packed')
if selected ~= packed then
  end_early(run, 'failed', 'the survey selected ' .. selected .. ' contacts but ' .. packed .. ' were packed', now)
  return 'ok'
end
-- Who was erased since the survey leaves no more.
local leaving, leaving_packed = numbers(K.run(run), 'leaving', 'leaving_packed')
if leaving > leaving_packed then redis.call('HINCRBY', K.run(run), 'leaving_unsent', leaving - leaving_packed) end
redis.call('HSET', K.run(run), 'reading_ended', now)
redis.call('ZREM', K.reading(), run)
close(run, now) -- rule: the end of reading may be the last step
return 'ok'
