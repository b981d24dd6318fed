-- uses: readers, memory
-- Appends one chunk if the record stands where the reader believes it does.
--   run(id)         hash  `sequence`, `cursor`, `packed`, `leaving_packed`, `open`, `chunks`, `held`
--   chunk(run, id)  hash  the chunk, ready
--   ready, lane, accounts, bells
--   forgotten       hash  whoever is in there is passed over
-- ARGV: run, token, sequence and cursor it is believed at, cursor after it, number of contacts, contacts, rows, fingerprints,
--       their kind (leaving, moving, or ''), how many forgotten people the reader knows of, how many of them it has passed over here
-- Returns {'ok', bytes held by the run, chunks not yet accepted, bells of the account that nobody has heard}, {'lost' | 'over'},
-- or {'forgotten'} if somebody was forgotten whom the reader does not know of.
local run, token, sequence, cursor = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local now = clock()
local why_not = may_not_read(run, token)
if why_not then return {why_not} end
local key = K.run(run)
local f = redis.call('HMGET', key, 'sequence', 'cursor', 'account')
if f[1] ~= sequence or f[2] ~= cursor then return {'lost'} end -- rule: appended only where the record stands
if is_filling() then return redis.error_reply(FULL) end
if redis.call('HLEN', K.forgotten()) ~= tonumber(ARGV[11]) then return {'forgotten'} end -- nobody forgotten is sent
local counted = ARGV[10] == 'leaving' and 'leaving_' or ''
redis.call('HSET', key, 'sequence', tonumber(sequence) + 1, 'cursor', ARGV[5])
redis.call('HINCRBY', key, counted .. 'packed', tonumber(ARGV[6]) + tonumber(ARGV[12]))
if ARGV[12] ~= '0' then redis.call('HINCRBY', key, counted .. 'unsent', ARGV[12]) end
local bytes = 0
if ARGV[6] ~= '0' then
  bytes = #ARGV[7] + #ARGV[8] + #ARGV[9]
  redis.call('HSET', K.chunk(run, sequence), 'state', 'ready', 'count', ARGV[6], 'contacts', ARGV[7], 'rows', ARGV[8],
    'prints', ARGV[9], 'bytes', bytes)
  if ARGV[10] == 'leaving' then redis.call('HSET', K.chunk(run, sequence), 'leaving', '1') end
  if ARGV[10] == 'moving' then redis.call('HSET', K.chunk(run, sequence), 'moving', 'moving') end
  redis.call('ZADD', K.ready(run), now, sequence)
  redis.call('HINCRBY', key, 'open', 1)
  redis.call('HINCRBY', key, 'chunks', 1)
  redis.call('SADD', K.accounts(), f[3])
  redis.call('ZADD', K.lane(f[3]), 'NX', 0, run)
end
return {'ok', redis.call('HINCRBY', key, 'held', bytes), redis.call('ZCARD', K.ready(run)),
  redis.call('ZCOUNT', K.bells(f[3]), '(' .. now, '+inf')}
