-- Brings together what was kept for two accounts that are found to be one.
--   accounts, turns, lane, leases, bells, pace, imports, under_way   as in wire.store.keys

local IMPORTS_PROVE = 60250 -- milliseconds: a minute of imports, as lib/going.lua counts it

-- Spells keys under this very name, whatever account it belongs to.
local function under_name(name, spell)
  local known = NAMES[name]
  NAMES[name] = name
  local found = spell()
  NAMES[name] = known
  return found
end

local function kept_for(name)
  return under_name(name, function()
    return {lane = K.lane(name), bells = K.bells(name), deliver = K.leases(name, 'deliver'),
      confirm = K.leases(name, 'confirm'), under_way = K.under_way(name), pace = K.pace(name), imports = K.imports(name),
      limits = K.account(name)}
  end)
end

-- Puts the runs into one list in one row. Those that have begun stay before those that wait.
local function bring_turns(from, to, list)
  local old = under_name(from, function() return K.turns(from, list) end)
  local new = under_name(to, function() return K.turns(to, list) end)
  if redis.call('EXISTS', old) == 0 then return end
  redis.call('ZUNIONSTORE', new, 2, new, old, 'AGGREGATE', 'MIN')
  redis.call('DEL', old)
  local found, begun, last = redis.call('ZRANGE', new, 0, -1, 'WITHSCORES'), {}, 0
  for i = 1, #found, 2 do
    begun[i] = redis.call('HEXISTS', K.run(found[i]), 'begun') == 1
    if begun[i] then last = math.max(last, tonumber(found[i + 1])) end
  end
  for i = 1, #found, 2 do
    if not begun[i] and tonumber(found[i + 1]) <= last then
      last = last + 0.001
      redis.call('ZADD', new, 'XX', string.format('%.3f', last), found[i])
    end
  end
end

-- The slower pace of two: what was booked for either was sent to the same account.
local function bring_pace(old, new)
  local function both(field) return tonumber(redis.call('HGET', old, field)), tonumber(redis.call('HGET', new, field)) end
  local function keep(field, choose)
    local a, b = both(field)
    if a or b then redis.call('HSET', new, field, string.format('%.17g', a and b and choose(a, b) or a or b)) end
  end
  local before, after = both('throttled_at')
  if before and before > (after or 0) then
    for _, field in ipairs({'throttled', 'streak'}) do
      local value = redis.call('HGET', old, field)
      if value then redis.call('HSET', new, field, value) end
    end
  end
  for _, field in ipairs({'gate', 'next_any', 'next_import', 'next_single', 'import_seen', 'throttled_at', 'trip_ms',
    'first_poll_ms', 'cut_import_at', 'cut_single_at', 'cut_any_at'}) do
    keep(field, math.max)
  end
  for _, field in ipairs({'cut_import', 'cut_single', 'cut_any'}) do keep(field, math.min) end
  for _, field in ipairs({'imports', 'requests'}) do keep(field, function(a, b) return a + b end) end
  redis.call('DEL', old)
end

-- The last minute's imports of both. Where they are more than a minute allows, nothing is sent until they are not.
local function bring_imports(old, new, pace, most, now)
  local log = redis.call('LRANGE', old, 0, -1)
  for _, at in ipairs(redis.call('LRANGE', new, 0, -1)) do log[#log + 1] = at end
  redis.call('DEL', old, new)
  if #log == 0 then return end
  table.sort(log, function(a, b) return tonumber(a) > tonumber(b) end)
  for i = 1, math.min(#log, most) do redis.call('RPUSH', new, log[i]) end
  redis.call('PEXPIRE', new, 2 * IMPORTS_PROVE)
  local opens = #log > most and tonumber(log[most]) + IMPORTS_PROVE or 0
  if opens > math.max(now, tonumber(redis.call('HGET', pace, 'gate') or 0)) then
    redis.call('HSET', pace, 'gate', string.format('%.0f', opens))
  end
end

-- Brings all that was kept for the account `from` to the account `to`; `most`: imports a minute.
local function bring_over(from, to, most, now)
  local old, new = kept_for(from), kept_for(to)
  local function lists_of(runs)
    for _, run in ipairs(runs) do
      local list = redis.call('HGET', K.run(run), 'list')
      if list then bring_turns(from, to, list) end
    end
  end
  lists_of(redis.call('ZRANGE', K.reading(), 0, -1))
  lists_of(redis.call('ZRANGE', old.lane, 0, -1))
  for name, choice in pairs({lane = 'MIN', bells = 'MAX', deliver = 'MAX', confirm = 'MAX', under_way = 'MAX'}) do
    if redis.call('EXISTS', old[name]) == 1 then
      local lives = math.max(redis.call('PTTL', old[name]), redis.call('PTTL', new[name]))
      redis.call('ZUNIONSTORE', new[name], 2, new[name], old[name], 'AGGREGATE', choice)
      redis.call('DEL', old[name])
      if lives > 0 then redis.call('PEXPIRE', new[name], lives) end
    end
  end
  bring_pace(old.pace, new.pace)
  bring_imports(old.imports, new.imports, new.pace, most, now)
  redis.call('DEL', old.limits)
  redis.call('SREM', K.accounts(), from)
  if redis.call('EXISTS', new.lane) == 1 then redis.call('SADD', K.accounts(), to) end
end
