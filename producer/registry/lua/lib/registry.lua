-- Connections and exports by name, and the runs that hang on them.
--   revision        string  counts every change
--   connection(id)  hash    `document`, `secret`, `account`: its host
--   account(a)      hash    limits: the least of its connections', whichever of its hosts they have

local LIMITS = {'imports_per_minute', 'single_imports_per_minute', 'requests_per_second'}

-- Whether contributors may use a connection; one that is gone or none at all ('' or false) they may not.
local function open_to_contributors(id)
  local document = redis.call('HGET', K.connection(id or ''), 'document')
  return document and cjson.decode(document).allow == 'contributors'
end

local function changed() redis.call('INCR', K.revision()) end

-- Writes an account's limits anew from the connections that use it.
local function rewrite_limits(account)
  local least = {}
  for _, id in ipairs(redis.call('HVALS', K.connections())) do
    local f = redis.call('HMGET', K.connection(id), 'account', 'document')
    if f[1] and account_of(f[1]) == account_of(account) then
      local limits = cjson.decode(f[2]).limits
      for _, name in ipairs(LIMITS) do least[name] = math.min(least[name] or math.huge, limits[name]) end
    end
  end
  redis.call('DEL', K.account(account))
  for name, most in pairs(least) do redis.call('HSET', K.account(account), name, most) end
end

-- Ids of runs that are not over and whose `field` (connection, export) is `value`: such a run is still read, or has chunks.
local function under_way(field, value)
  local found, met = {}, {}
  local function look(runs)
    for _, run in ipairs(runs) do
      if not met[run] and redis.call('HGET', K.run(run), field) == value then found[#found + 1] = run end
      met[run] = true
    end
  end
  look(redis.call('ZRANGE', K.reading(), 0, -1))
  for _, account in ipairs(redis.call('SMEMBERS', K.accounts())) do look(redis.call('ZRANGE', K.lane(account), 0, -1)) end
  table.sort(found)
  return found
end
