-- uses: readers, memory
-- Appends chunks, one behind the other, if the record stands where the reader believes it does: all of them or none.
--   run(id)         hash  `sequence`, `cursor`, `packed`, `leaving_packed`, `open`, `chunks`, `held`
--   chunk(run, id)  hash  the chunk, ready
--   ready, lane, accounts, bells
--   forgotten       hash  whoever is in there is passed over
-- ARGV: run, token, sequence and cursor it is believed at, the chunks' kind (leaving, moving, or ''), how many forgotten people the
--       reader knows of; then of each chunk: cursor after it, number of contacts, contacts, rows, fingerprints, how many forgotten
--       people the reader has passed over here
-- Returns {'ok', bytes held by the run, chunks not yet accepted, bells of the account that nobody has heard}, {'lost' | 'over'},
-- or {'forgotten'} if somebody was forgotten whom the reader does not know of.
local CHUNKS, EACH = 7, 6
local SHARES = 4096 -- of a millisecond: as many as a score can tell apart
local run, token, sequence, cursor, kind = unpack(ARGV, 1, 5)
local now = clock()
local why_not = may_not_read(run, token)
if why_not then return {why_not} end
local key = K.run(run)
local f = redis.call('HMGET', key, 'sequence', 'cursor', 'account')
if f[1] ~= sequence or f[2] ~= cursor then return {'lost'} end -- rule: appended only where the record stands
if is_filling() then return redis.error_reply(FULL) end
if redis.call('HLEN', K.forgotten()) ~= tonumber(ARGV[6]) then return {'forgotten'} end -- nobody forgotten is sent
local declined = kind == 'leaving' and redis.call('HEXISTS', key, 'declined') == 1 -- rule: who is not accepted is not sent
local people, unsent, bytes, made = 0, 0, 0, 0
for at = CHUNKS, #ARGV, EACH do
  local after, count, contacts, rows, prints, passed = unpack(ARGV, at, at + EACH - 1)
  if not declined then people, unsent = people + count + passed, unsent + passed end
  if count ~= '0' and not declined then
    local size = #contacts + #rows + #prints
    redis.call('HSET', K.chunk(run, sequence), 'state', 'ready', 'count', count, 'contacts', contacts, 'rows', rows,
      'prints', prints, 'bytes', size)
    if kind == 'leaving' then redis.call('HSET', K.chunk(run, sequence), 'leaving', '1') end
    if kind == 'moving' then redis.call('HSET', K.chunk(run, sequence), 'moving', 'moving') end
    bytes, made = bytes + size, made + 1
    redis.call('ZADD', K.ready(run), now - 1 + (1 + sequence % SHARES) / SHARES, sequence) -- due already, and in their order
  end
  sequence, cursor = sequence + 1, after
end
local counted = kind == 'leaving' and 'leaving_' or ''
redis.call('HSET', key, 'sequence', sequence, 'cursor', cursor)
redis.call('HINCRBY', key, counted .. 'packed', people)
if unsent > 0 then redis.call('HINCRBY', key, counted .. 'unsent', unsent) end
if made > 0 then
  redis.call('HINCRBY', key, 'open', made)
  redis.call('HINCRBY', key, 'chunks', made)
  redis.call('SADD', K.accounts(), account_of(f[3]))
  redis.call('ZADD', K.lane(f[3]), 'NX', 0, run)
end
return {'ok', redis.call('HINCRBY', key, 'held', bytes), redis.call('ZCARD', K.ready(run)),
  redis.call('ZCOUNT', K.bells(f[3]), '(' .. now, '+inf')}
