-- What stops a connection or a run until somebody mends it.
--   block(scope)  hash  scope: a connection's or a run's id
--     code, reason   why
--     since          when it began
--     tries          answers counted so far; a doubtful one blocks with the third
--     blocked        '1' once it is certain; before, it is a doubt that shuts the door for the moment
--     probe_at       when the next try may be let in; absent: only a person lifts it
--     probe          the token of the try that was let in last
--     careful        '1': answers to imports said neither yes nor no, so a harmless question is asked before the next one
--     looked         '1': that question was answered just now, so the next try may be an import
--     sent           imports that were let in since, and may have been done though their answers did not say so
--     by_look        the chunk whose polls cannot be read; the first that can be read lifts the block of its run

local PROBE_EVERY = 30000
local DOUBT_EVERY = 3000
local DOUBTS = 3
local SENDINGS = 3 -- by probes: people are not sent again for ever

-- Whether `token` may go on past the block of `scope`: there is none, or it is the probe.
local function passes(scope, token)
  local f = redis.call('HMGET', K.block(scope), 'code', 'probe')
  return not f[1] or f[2] == token
end

-- Whether a try may be let in: there is no block, or a probe is due.
local function lets_in(scope, now)
  local f = redis.call('HMGET', K.block(scope), 'code', 'probe_at')
  if not f[1] then return true end
  if not f[2] then return false end
  -- further ahead than any rule puts it: the clock went back
  return math.min(tonumber(f[2]), now + PROBE_EVERY) <= now
end

-- Notes who was let in. Should its answer say neither yes nor stop, the next one goes as soon as after a stop.
local function let_in(scope, token, now)
  local blocked = redis.call('HGET', K.block(scope), 'blocked')
  if not blocked then return end
  redis.call('HSET', K.block(scope), 'probe', token, 'probe_at', now + (blocked == '1' and PROBE_EVERY or DOUBT_EVERY))
end

-- Whether a harmless question goes before the import that was let in.
local function asks_first(scope)
  local f = redis.call('HMGET', K.block(scope), 'blocked', 'careful')
  return f[1] == '1' and f[2] == '1' and redis.call('HDEL', K.block(scope), 'looked') == 0
end

-- The question was answered: an import may be the next try.
local function looked(scope, now)
  local f = redis.call('HMGET', K.block(scope), 'blocked', 'probe_at')
  if f[1] == '1' and f[2] then redis.call('HSET', K.block(scope), 'looked', '1', 'probe_at', now) end
end

local function runs_of(account, connection)
  local found = {}
  for _, run in ipairs(redis.call('ZRANGE', K.lane(account), 0, -1)) do
    if redis.call('HGET', K.run(run), 'connection') == connection then found[#found + 1] = run end
  end
  return found
end

-- What an entry of the trail says of a block: a doubt is no decision, and stands in none.
local function about_block(scope, did, facts)
  if redis.call('EXISTS', K.run(scope)) == 1 then return about_run(scope, 'run.' .. did, facts) end
  local document = redis.call('HGET', K.connection(scope), 'document')
  local name = document and cjson.decode(document).name
  return {what = 'connection.' .. did, kind = 'connection', name = name, id = scope, facts = facts}
end

-- Counts an answer that says stop. `leased_at`: when the asker was let in; what was sent before the last counted answer
-- says nothing new. `why.sends`: it was an import that may have been done; `why.careful`: ask a harmless question before the next.
local function block(scope, account, why, leased_at, now)
  local f = redis.call('HMGET', K.block(scope), 'tries', 'counted', 'blocked', 'code')
  if f[2] and leased_at < tonumber(f[2]) then return end
  local tries = tonumber(f[1] or 0) + 1
  local certain = why.definite or tries >= DOUBTS or f[3] == '1'
  redis.call('HSET', K.block(scope), 'code', why.code, 'reason', why.reason, 'tries', tries, 'counted', now,
    'blocked', certain and '1' or '0', 'probe', '', 'asks', why.by_hand and why.asks ~= false and '1' or '0')
  redis.call('HSETNX', K.block(scope), 'since', now)
  if why.by_hand then
    redis.call('HDEL', K.block(scope), 'probe_at')
  else
    redis.call('HSET', K.block(scope), 'probe_at', now + (certain and PROBE_EVERY or DOUBT_EVERY))
  end
  if why.careful then redis.call('HSET', K.block(scope), 'careful', '1') end
  if why.sends and f[3] == '1' and redis.call('HINCRBY', K.block(scope), 'sent', 1) >= SENDINGS then
    redis.call('HDEL', K.block(scope), 'probe_at')
  end
  if certain then
    local is_new = f[3] ~= '1' or f[4] ~= why.code
    if is_new then note('', about_block(scope, 'blocked', {code = why.code, reason = why.reason})) end
    for _, run in ipairs(why.scope == 'run' and {scope} or runs_of(account, scope)) do
      stand_still(run, now)
      if is_new then tell('blocked', run, why.code) end
    end
  end
end

-- Takes a block away and lets its runs' clocks go on.
local function lift(scope, account, now)
  local f = redis.call('HMGET', K.block(scope), 'blocked', 'code')
  if f[1] == '1' then note('', about_block(scope, 'unblocked', {code = f[2]})) end
  redis.call('DEL', K.unread(scope))
  if redis.call('DEL', K.block(scope)) == 0 then return end
  for _, run in ipairs(redis.call('EXISTS', K.run(scope)) == 1 and {scope} or runs_of(account, scope)) do
    go_on(run, now)
    if f[1] == '1' then tell('unblocked', run, f[2]) end
  end
end

-- Whether a run over this connection has something to import, and may.
local function has_to_import(account, connection)
  for _, run in ipairs(runs_of(account, connection)) do
    local f, b = redis.call('HMGET', K.run(run), 'paused', 'ending'), redis.call('HMGET', K.block(run), 'code', 'probe_at')
    if not f[1] and not f[2] and (not b[1] or b[2]) and redis.call('ZCARD', K.ready(run)) > 0 then return true end
  end
  return false
end

-- A good answer lifts a block that is probed, unless it was asked for before the block began, or imports are to blame for it
-- and it is not one's.
local function prove(scope, account, leased_at, now, imported)
  local f = redis.call('HMGET', K.block(scope), 'counted', 'probe_at', 'careful')
  if not f[1] or not f[2] or leased_at < tonumber(f[1]) then return end
  if f[3] == '1' and not imported and has_to_import(account, scope) then return end
  lift(scope, account, now)
end
