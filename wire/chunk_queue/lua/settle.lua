-- uses: audit, news, standing, blocks, unread, runs, turns, pace, lanes, going, taking, membership
-- flags: allow-oom
-- Writes what became of a chunk: first checks everything, then writes everything. Then takes the next one, if that is asked for.
--   chunk(run, id)  hash  moves, changes or ends
--   run(id)         hash  its books
--   rejects(run)    list  a page of those refused
--   batches(run)    list  a batch that was accepted
--   membership, members, left   as in the libraries
--   settled(token)  string the answer, for whoever lost it and offers the same again
--   ready, accepted, leases, block, unread, pace, under_way   as in the libraries
--   chunk(run, id)  hash  `unread`: answers to its imports that said neither yes nor no; `unread_looks`: to its polls or lookups in a row,
--                         while the connection was not blocked; `cleared`: a harmless question was answered just now
-- ARGV: run, chunk, lane, fence (the lease's token, or the batch), outcome (JSON), of membership addresses and entries, page
--       of rejects or '', new contacts or '', new rows or '', new fingerprints or '', then for every piece the same three
-- The outcome: to (ready, accepted, split, over), due_in_ms, fields (set on the chunk), count (contacts that stay in the
-- chunk), books (name -> increment), pieces (id, count, fields), block, answered (the request was understood and allowed),
-- ended (a batch came to its end), nothing_queued (ActiveCampaign cannot have the contacts by this request), first_poll_ms,
-- wire (requests, throttles, trip_ms, lookups, read, unread: what happened, held or not; lookups are no imports; read: an answer
-- could be read; unread: the last one could not, and what a block for that would say), probe (a harmless question was asked
-- instead of the import), token (under which the chunk was taken: one taking, one
-- outcome), next (token, lease in ms: take another chunk of the account).
-- Returns {'settled', the next chunk or nothing}, or {'stale', ...} if the chunk is no longer held under that fence: then nothing
-- was written but the figures of what was asked over the wire. Whoever offers it again is handed no next one.
local REMEMBERED = 60000
local FATES = {applied = true, refused = true, unconfirmed = true, unsent = true}
local contacts, rows, prints = ARGV[9], ARGV[10], ARGV[11]
local run, id, lane, fence, outcome = ARGV[1], ARGV[2], ARGV[3], ARGV[4], cjson.decode(ARGV[5])
local now = clock()
local record = K.run(run)
local account, connection = unpack(redis.call('HMGET', record, 'account', 'connection'))

local function settle()
  local key = K.chunk(run, id)
  local chunk = redis.call('HMGET', key, 'state', 'token', 'batch', 'leased_at', 'count')
  if not account then return 'stale' end
  redis.call('ZREM', K.under_way(account), outcome.token)

  local wire = outcome.wire
  local was_blocked = redis.call('HGET', K.block(connection), 'blocked') == '1'
  local importing = lane == 'deliver' and not (wire and wire.lookups)
  if wire then
    redis.call('HINCRBY', record, 'requests', wire.requests)
    if wire.throttles > 0 then redis.call('HINCRBY', record, 'throttles', wire.throttles) end
    if wire.trip_ms then redis.call('HSET', K.pace(account), 'trip_ms', wire.trip_ms) end
    if wire.read then could_read(connection, importing) end
    if wire.unread then could_not_read(connection, account, wire.unread, importing, tonumber(chunk[4] or now), now) end
    if outcome.probe and wire.read then
      looked(connection, now)
      if chunk[1] then redis.call('HSET', key, 'cleared', '1') end
    end
    if lane == 'deliver' and wire.requests > 0 and not wire.lookups then
      redis.call('HINCRBY', record, 'imports', wire.requests)
      redis.call('HSETNX', record, 'first_import', now)
      redis.call('HSET', record, 'last_import', now)
    end
  end

  local held = lane == 'deliver' and chunk[1] == 'leased' and chunk[2] == fence
    or lane == 'confirm' and chunk[1] == 'accepted' and chunk[3] == fence
  local may_be_there = lane == 'deliver' and wire and wire.requests > 0 and not outcome.nothing_queued
  if not held and may_be_there and redis.call('EXISTS', key) == 1 then
    redis.call('HSET', key, 'maybe', '1') -- the store has gone back to before it was sent, or its lease was over
    if wire.unread then redis.call('HINCRBY', key, 'unread', 1) end
  end
  if not held then return 'stale' end -- rule: an outcome counts only under its fence

  local rest = outcome.count or 0
  local accounted = rest
  for _, name in ipairs({'applied', 'refused', 'unconfirmed', 'unsent'}) do accounted = accounted + (outcome.books[name] or 0) end
  for _, piece in ipairs(outcome.pieces or {}) do accounted = accounted + piece.count end
  if accounted ~= tonumber(chunk[5] or 0) then
    -- Somebody was erased while its batch could not be asked after, and who asked comes back: it is asked again.
    if lane == 'confirm' and redis.call('HEXISTS', key, 'erased') == 1 then return 'stale' end
    return redis.error_reply('UNBALANCED outcome accounts for ' .. accounted .. ' of ' .. tostring(chunk[5]))
  end

  if redis.call('HDEL', key, 'sending') == 0 then outcome.nothing_queued = lane == 'deliver' end
  if not outcome.nothing_queued then redis.call('HSET', key, 'maybe', '1') end -- what was sent may be there
  local ending = redis.call('HGET', record, 'ending')
  if ending and (outcome.to == 'ready' or outcome.to == 'split') then
    -- The run is ending: what would be sent again is not.
    outcome.books.unsent = (outcome.books.unsent or 0) + rest
    for _, piece in ipairs(outcome.pieces or {}) do outcome.books.unsent = outcome.books.unsent + piece.count end
    outcome.to, outcome.pieces = 'over', {}
  elseif ending == 'deleted' and outcome.to == 'accepted' then
    -- The key is gone: nobody can ask what became of it.
    outcome.books.unconfirmed = (outcome.books.unconfirmed or 0) + rest
    outcome.to = 'over'
  end

  if wire and not outcome.probe then
    local unread = importing and 'unread' or 'unread_looks'
    local was_unread = wire.read and redis.call('HDEL', key, unread) == 1
    if wire.unread and (importing or not was_blocked) then redis.call('HINCRBY', key, unread, 1) end
    if was_unread and redis.call('HGET', K.block(run), 'by_look') == id then lift(run, account, now) end
  end

  local left = (outcome.books.unsent or 0) + (outcome.books.unconfirmed or 0) > 0
  if left then leave(run, id, contacts ~= '' and contacts or nil) end
  remember(run, ARGV[6], ARGV[7]) -- rule: what was applied is known
  for name, by in pairs(outcome.books) do
    redis.call('HINCRBY', record, FATES[name] and fate(run, id, name) or name, by)
  end
  if ARGV[8] ~= '' then redis.call('RPUSH', K.rejects(run), ARGV[8]) end
  if outcome.first_poll_ms then redis.call('HSET', K.pace(account), 'first_poll_ms', outcome.first_poll_ms) end
  if outcome.answered then
    prove(connection, account, tonumber(chunk[4]), now, importing)
    if not (wire and wire.lookups) then let_through(account, lane, tonumber(chunk[4])) end
  end
  if outcome.to == 'accepted' and lane == 'deliver' then prove(run, account, tonumber(chunk[4]), now, true) end
  if outcome.ended then redis.call('HSET', record, 'batch_ended', run_clock(run, now)) end
  -- What may go again at once keeps its place: pieces are tried before the chunks behind them.
  local delay = outcome.due_in_ms or 0
  local due = delay > 0 and now + delay or tonumber(redis.call('HGET', key, 'place') or now)
  if outcome.block then
    local scope = outcome.block.scope == 'run' and run or connection
    outcome.block.sends = importing and wire and wire.requests > 0 and not outcome.nothing_queued
    outcome.block.careful = importing and (outcome.block.sends or outcome.block.code == 'not_activecampaign')
    local stands = redis.call('HMGET', K.block(run), 'blocked', 'asks')
    local waits_for_word = stands[1] == '1' and stands[2] == '1' -- rule: what a person has to accept is not replaced by less
    if not (scope == run and outcome.block.asks == false and waits_for_word) then
      block(scope, account, outcome.block, tonumber(chunk[4]), now)
      if scope == run then
        redis.call('HSET', K.block(run), 'by_look', lane == 'confirm' and outcome.block.code == 'unreadable_answers' and id or '')
      end
    end
    if scope ~= run and outcome.block.sends and redis.call('HINCRBY', key, 'unread', 1) >= LAST_SENDING and not waits_for_word then
      block(run, account, {scope = 'run', code = outcome.block.code, reason = outcome.block.reason, definite = true,
        by_hand = true, asks = false}, now, now)
    end
    due = math.max(due, now) -- behind the others: the block itself says when the next try may go, and may be lifted before
  end
  redis.call('ZREM', K.leases(account, lane), run .. '/' .. id)

  if outcome.to == 'ready' or outcome.to == 'accepted' then
    local was_accepted = chunk[1] == 'accepted'
    redis.call('HSET', key, 'state', outcome.to, 'count', rest)
    redis.call('HDEL', key, 'token', 'lost')
    for name, value in pairs(outcome.fields or {}) do redis.call('HSET', key, name, value) end
    if outcome.fields and outcome.fields.moving then redis.call('HSET', key, 'moved_at', now) end
    if contacts ~= '' then
      local bytes = numbers(key, 'bytes')
      local now_bytes = #contacts + #rows + #prints
      redis.call('HSET', key, 'contacts', contacts, 'rows', rows, 'prints', prints, 'bytes', now_bytes)
      redis.call('HINCRBY', record, 'held', now_bytes - bytes)
    end
    if outcome.to == 'accepted' and not was_accepted then
      redis.call('HSET', key, 'accepted_at', run_clock(run, now))
      redis.call('RPUSH', K.batches(run), id .. ' ' .. outcome.fields.batch .. ' ' .. now)
    end
    if outcome.to == 'ready' then redis.call('HDEL', key, 'batch') end
    redis.call('ZREM', outcome.to == 'ready' and K.accepted(run) or K.ready(run), id)
    redis.call('ZADD', outcome.to == 'ready' and K.ready(run) or K.accepted(run), due, id)
    return 'settled'
  end

  local inherited = redis.call('HMGET', key, 'maybe', 'leaving', 'moving', 'moved_at', 'unread')
  for i, piece in ipairs(outcome.to == 'split' and outcome.pieces or {}) do
    local contacts, rows, prints = ARGV[9 + 3 * i], ARGV[10 + 3 * i], ARGV[11 + 3 * i]
    redis.call('HSET', K.chunk(run, piece.id), 'state', 'ready', 'count', piece.count, 'contacts', contacts, 'rows', rows,
      'prints', prints, 'bytes', #contacts + #rows + #prints, 'place', due + i)
    if inherited[1] then redis.call('HSET', K.chunk(run, piece.id), 'maybe', inherited[1]) end
    if inherited[2] then redis.call('HSET', K.chunk(run, piece.id), 'leaving', inherited[2]) end
    if inherited[3] then redis.call('HSET', K.chunk(run, piece.id), 'moving', inherited[3], 'moved_at', inherited[4] or 0) end
    if inherited[5] then redis.call('HSET', K.chunk(run, piece.id), 'unread', inherited[5]) end
    for name, value in pairs(piece.fields or {}) do redis.call('HSET', K.chunk(run, piece.id), name, value) end
    redis.call('ZADD', K.ready(run), due + i, piece.id)
    redis.call('HINCRBY', record, 'open', 1)
    redis.call('HINCRBY', record, 'held', #contacts + #rows + #prints)
  end
  forget_chunk(run, id)
  close(run, now)
  return 'settled'
end

local before = redis.call('GET', K.settled(outcome.token))
if before then return {before} end
local word = settle()
if type(word) == 'table' then return word end -- an error
redis.call('SET', K.settled(outcome.token), word, 'PX', REMEMBERED)
local wanted = account and outcome.next
return {word, wanted and take(account, wanted.token, wanted.lease, now)}
