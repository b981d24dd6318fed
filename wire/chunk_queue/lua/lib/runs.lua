-- How runs begin and end: the close check that every step which can be the last one asks, and the claim on a list.
--   run(id)         hash  the record
--   left(run)       list  contacts of chunks that ended unsent or unconfirmed, each behind a `?` if ActiveCampaign may have
--                         them, or a `-`
--   membership, unfolded   as in lib/membership.lua
--   turns(a, list)  zset  runs into the list; the first has the claim
--   lane(a)         zset  runs with chunks on the account
--   accounts        set   accounts with such runs
--   reading         zset  runs still to be read
--   endings         list  runs that ended, to be judged once and in order

local function numbers(key, ...)
  local found = redis.call('HMGET', key, ...)
  for i = 1, #found do found[i] = tonumber(found[i] or 0) end
  return unpack(found)
end

-- The name of a fate in the books: those who leave are counted apart.
local function fate(run, id, name)
  return redis.call('HEXISTS', K.chunk(run, id), 'leaving') == 1 and 'leaving_' .. name or name
end

local function is_over(run)
  return redis.call('HEXISTS', K.run(run), 'finished') == 1
end

local function forget_chunk(run, id)
  local bytes = numbers(K.chunk(run, id), 'bytes')
  redis.call('DEL', K.chunk(run, id))
  redis.call('ZREM', K.ready(run), id)
  redis.call('ZREM', K.accepted(run), id)
  redis.call('HINCRBY', K.run(run), 'open', -1)
  redis.call('HINCRBY', K.run(run), 'held', -bytes)
end

-- Lets a run go on without its leavers, of whom nothing is sent yet: they are counted as waiting.
local function keep_leavers(run)
  local key = K.run(run)
  for _, id in ipairs(redis.call('ZRANGE', K.ready(run), 0, -1)) do
    if redis.call('HEXISTS', K.chunk(run, id), 'leaving') == 1 then
      forget_chunk(run, id)
      redis.call('HINCRBY', key, 'chunks', -1)
    end
  end
  local leaving, erased = numbers(key, 'leaving', 'leaving_unsent')
  redis.call('HSET', key, 'leaving', erased, 'leaving_packed', erased, 'declined', '1')
  redis.call('HINCRBY', key, 'leaving_waiting', leaving - erased)
end

-- Keeps the contacts of a chunk that ends without their being applied or refused: membership has to learn of those that
-- ActiveCampaign may have, and a person may want all of them sent again.
local function leave(run, id, contacts)
  local chunk = redis.call('HMGET', K.chunk(run, id), 'state', 'maybe', 'sending', 'contacts')
  local maybe = chunk[1] == 'accepted' or chunk[2] or chunk[3]
  redis.call('RPUSH', K.left(run), (maybe and '?' or '-') .. (contacts or chunk[4]))
  if not maybe then return end
  local f = redis.call('HMGET', K.run(run), 'export', 'account', 'list', 'number')
  if redis.call('EXISTS', K.membership(f[1], f[2], f[3])) == 0 then return end
  redis.call('HSET', K.unfolded(f[1], f[2], f[3]), run, f[4]) -- what was sent is not forgotten
end

-- Notes in the membership that a run came to its own end, and what its snapshot was like.
local function enter(run, now)
  local f = redis.call('HMGET', K.run(run), 'export', 'account', 'list', 'ending', 'mode', 'mapping', 'number')
  local key = K.membership(f[1], f[2], f[3])
  if f[4] or redis.call('EXISTS', key) == 0 then return end
  local like = redis.call('HMGET', K.run(run), 'read', 'nulls')
  redis.call('HSET', key, 'mapping', f[6] or '', 'read', like[1] or 0, 'nulls', like[2] or '{}')
  if f[5] == 'full' or f[7] == '1' then
    redis.call('HSET', key, 'full_at', now, 'since_full', 0)
  else
    redis.call('HINCRBY', key, 'since_full', 1)
  end
end

-- The books that a run ended with: what its end is called follows from them, in `wire.chunk_queue.run`.
local function ended_with(key)
  local names = {'ending', 'error', 'dry_run', 'selected', 'applied', 'refused', 'unconfirmed', 'unsent', 'leaving_applied',
    'leaving_refused', 'leaving_unconfirmed', 'leaving_unsent', 'unmatched', 'unbalanced'}
  local found, told = redis.call('HMGET', key, unpack(names)), {}
  for i, name in ipairs(names) do
    if found[i] and found[i] ~= '0' then told[name] = found[i] end
  end
  return told
end

-- Reading ended and no chunk open? Then the run ends in this step, and the next run that waits for its list may begin.
local function close(run, now)
  local key = K.run(run)
  local f = redis.call('HMGET', key, 'reading_ended', 'open', 'finished', 'account', 'list', 'record_ms', 'rejects_ms',
    'export', 'dry_run')
  if f[3] or not f[1] then return false end
  if tonumber(f[2] or 0) > 0 then return false end -- rule: a run is over when no chunk is open
  local unbalanced = 0
  for _, of in ipairs({{'selected', ''}, {'leaving', 'leaving_'}}) do
    local all, applied, refused, unconfirmed, unsent =
      numbers(key, of[1], of[2] .. 'applied', of[2] .. 'refused', of[2] .. 'unconfirmed', of[2] .. 'unsent')
    unbalanced = unbalanced + math.abs(all - applied - refused - unconfirmed - unsent)
  end
  redis.call('HSET', key, 'finished', now, 'unbalanced', unbalanced)
  redis.call('HDEL', key, 'reader', 'paused', 'standing')
  redis.call('ZREM', K.turns(f[4], f[5]), run)
  redis.call('ZREM', K.reading(), run)
  redis.call('ZREM', K.lane(f[4]), run)
  if redis.call('EXISTS', K.lane(f[4])) == 0 then redis.call('SREM', K.accounts(), account_of(f[4])) end
  if f[9] ~= '1' then enter(run, now) end
  redis.call('DEL', K.selection(run), K.leaving(run), K.moving(run), K.block(run))
  redis.call('PEXPIRE', K.rejects(run), f[7])
  redis.call('PEXPIRE', K.batches(run), f[6])
  redis.call('PEXPIRE', K.held_back(run), f[7])
  redis.call('PEXPIRE', K.moved(run), f[7])
  if redis.call('HEXISTS', K.unfolded(f[8], f[4], f[5]), run) == 0 then redis.call('PEXPIRE', K.left(run), f[7]) end
  redis.call('PEXPIRE', key, f[6])
  note('', about_run(run, 'run.ended', ended_with(key)))
  tell('closed', run)
  if f[9] ~= '1' then
    redis.call('RPUSH', K.endings(), run)
    redis.call('LTRIM', K.endings(), -10000, -1)
  end
  return true
end

-- The key is gone with the connection: nobody can ask any more what became of these.
local function forget_accepted(run)
  for _, id in ipairs(redis.call('ZRANGE', K.accepted(run), 0, -1)) do
    redis.call('HINCRBY', K.run(run), fate(run, id, 'unconfirmed'), tonumber(redis.call('HGET', K.chunk(run, id), 'count')))
    leave(run, id)
    forget_chunk(run, id)
  end
end

-- Ends a run early: in this step all that is not under way becomes unsent. What is leased ends, what is accepted is followed.
local function end_early(run, ending, error, now)
  local key = K.run(run)
  if is_over(run) or redis.call('HEXISTS', key, 'ending') == 1 then return false end
  redis.call('HSET', key, 'ending', ending)
  if error ~= '' then redis.call('HSET', key, 'error', error) end
  redis.call('HSETNX', key, 'reading_ended', now)
  redis.call('ZREM', K.reading(), run)
  local selected, packed, leaving, leaving_packed = numbers(key, 'selected', 'packed', 'leaving', 'leaving_packed')
  redis.call('HINCRBY', key, 'unsent', selected - packed)
  redis.call('HINCRBY', key, 'leaving_unsent', leaving - leaving_packed)
  for _, id in ipairs(redis.call('ZRANGE', K.ready(run), 0, -1)) do
    local chunk = redis.call('HMGET', K.chunk(run, id), 'state', 'count')
    if chunk[1] == 'ready' then
      redis.call('HINCRBY', key, fate(run, id, 'unsent'), tonumber(chunk[2]))
      leave(run, id)
      forget_chunk(run, id)
    end
  end
  if ending == 'deleted' then forget_accepted(run) end
  close(run, now)
  return true
end
