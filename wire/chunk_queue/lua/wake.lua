-- uses: audit, news, standing, blocks, runs, turns, pace, lanes, sharing
-- flags: allow-oom
-- Sweeps: says for which accounts a bell is to be rung because something is due and nobody is on the way.
--   accounts  set    accounts with chunks
--   bells(a)  zset   bells rung and not yet heard
--   ready, accepted, chunk, leases, workers, lane, block, run   as in the libraries
-- ARGV: the bells' name, 'empty' if the queue is or '', then the accounts to look at (none: all)
-- Returns account, bell, account, bell, ...
local REMEMBERED = 30000
local ON_ITS_WAY = 2000 -- workers look for messages ten times a second: one that was rung before that is no more in an empty queue
local now, name = clock(), ARGV[1]
local function count_takeable(account, lane)
  local room = width(account, lane, now) - leased(account, lane, now)
  if room <= 0 or not opens_soon(account, lane, now) then return 0 end
  return count_due(account, lane, now, room)
end

-- A chunk of a run that is ending, whose worker never came back, is not sent again.
local function give_up_lost_leases(account)
  for _, run in ipairs(redis.call('ZRANGE', K.lane(account), 0, -1)) do
    local f = redis.call('HMGET', K.run(run), 'ending', 'finished', 'account')
    if f[2] or not f[3] then
      redis.call('ZREM', K.lane(account), run) -- it ended under another name of the account
      if redis.call('EXISTS', K.lane(account)) == 0 then redis.call('SREM', K.accounts(), account) end
    elseif f[1] then
      for _, id in ipairs(redis.call('ZRANGE', K.ready(run), '-inf', now, 'BYSCORE')) do
        redis.call('HINCRBY', K.run(run), fate(run, id, 'unsent'), tonumber(redis.call('HGET', K.chunk(run, id), 'count')))
        leave(run, id)
        forget_chunk(run, id)
      end
      close(run, now)
    end
  end
end

-- What a program wrote that does not know that two hosts are one account.
local names = redis.call('HGETALL', K.account_names())
for i = 1, #names, 2 do
  local host, account = names[i], names[i + 1]
  if redis.call('SISMEMBER', K.accounts(), host) == 1 or redis.call('EXISTS', kept_for(host).lane) == 1 then
    bring_over(host, account, math.floor(60 * rates(account)), now)
  end
end

local accounts, met = {}, {}
for _, named in ipairs(#ARGV > 2 and {unpack(ARGV, 3)} or redis.call('SMEMBERS', K.accounts())) do
  local account = account_of(named)
  if not met[account] then accounts[#accounts + 1] = account end
  met[account] = true
end
local rung = {}
for _, account in ipairs(accounts) do
  give_up_lost_leases(account)
  redis.call('ZREMRANGEBYSCORE', K.bells(account), '-inf', now + (ARGV[2] == 'empty' and REMEMBERED - ON_ITS_WAY or 0))
  local unheard = redis.call('ZCARD', K.bells(account))
  local busy = leased(account, 'deliver', now) + leased(account, 'confirm', now)
  local wanted = math.min(count_takeable(account, 'deliver') + count_takeable(account, 'confirm'), math.max(threads(now) - busy, 1)) - unheard
  for i = 1, wanted do
    local bell = name .. '.' .. i
    redis.call('ZADD', K.bells(account), now + REMEMBERED, bell)
    rung[#rung + 1] = account
    rung[#rung + 1] = bell
  end
end
return rung
