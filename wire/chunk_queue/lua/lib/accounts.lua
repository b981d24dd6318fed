-- Which account answers at a host. Hosts of one account share what is its own (`SHARED` in wire.store.keys).
--   account_names   hash  host -> account; a host that is not there is an account of that name
--   connection(id)  hash  `account`: its host; `account_set`: what a person says the account is

-- From each host that a connection has, and each account that a person has named, to true.
local function connected_hosts()
  local hosts, named = {}, {}
  for _, id in ipairs(redis.call('HVALS', K.connections())) do
    local f = redis.call('HMGET', K.connection(id), 'account', 'account_set')
    if f[1] then hosts[f[1]] = true end
    if f[2] then named[f[2]] = true end
  end
  return hosts, named
end

local function put_at(host, account)
  NAMES[host] = account
  if host == account then
    redis.call('HDEL', K.account_names(), host)
  else
    redis.call('HSET', K.account_names(), host, account)
  end
end

local function imports_a_minute(account)
  return math.floor(tonumber(redis.call('HGET', K.account(account), 'imports_per_minute') or 100))
end

-- Makes one of two accounts: all hosts of `from` are the other's. `is_host`: `from` is a host, and no name that a person chose.
local function unite(from, to, is_host, now)
  if from == to then return end
  local names = redis.call('HGETALL', K.account_names())
  for i = 1, #names, 2 do
    if names[i + 1] == from then put_at(names[i], to) end
  end
  put_at(to, to)
  if is_host then put_at(from, to) end
  rewrite_limits(to)
  bring_over(from, to, imports_a_minute(to), now)
end

-- The other hosts of connections that are of the same account, in order.
local function others_at(host)
  local found = {}
  for other in pairs((connected_hosts())) do
    if other ~= host and account_of(other) == account_of(host) then found[#found + 1] = other end
  end
  table.sort(found)
  return found
end

-- The account that a name means at a host: the host's own, or whatever account has that name.
local function meant(host, account) return account == host and host or account_of(account) end

-- Whether a host would leave an account that other connections go on using.
local function would_part(host, account)
  return meant(host, account) ~= account_of(host) and #others_at(host) > 0
end

-- Says that `account` answers at `host`. Whoever parts two hosts has looked that no run of theirs is under way. `chosen`: the
-- name that a person gave the account before, if that is taken back.
local function answer_at(host, account, chosen, now)
  local before, after = account_of(host), meant(host, account)
  if before == after then return end
  local others = others_at(host)
  if #others == 0 then
    local hosts, named = connected_hosts()
    unite(before, after, hosts[before] or not (named[before] or before == chosen), now)
    return
  end
  if before == host then unite(host, others[1], true, now) end
  put_at(host, after)
  rewrite_limits(account_of(others[1]))
  rewrite_limits(after)
end
