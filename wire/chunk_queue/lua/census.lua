-- uses: audit, news, standing, blocks, runs, turns, pace, lanes
-- flags: allow-oom
-- Counts what is there at one moment, for gauges and the autoscaler.
--   accounts, lane, ready, accepted, leases, workers, account, pace   as in the libraries
-- Returns now, worker processes, their threads, then for each account with chunks: account, limit of imports a minute,
-- imports booked since it is known, chunks that workers could hold at once.
local now = clock()
local counted = {now, 0, threads(now)}
counted[2] = redis.call('ZCARD', K.workers())
for _, account in ipairs(redis.call('SMEMBERS', K.accounts())) do
  local open = {deliver = 0, confirm = 0}
  for _, run in ipairs(redis.call('ZRANGE', K.lane(account), 0, -1)) do
    for lane, queue in pairs(LANES) do
      if is_open(run, lane, now) then open[lane] = open[lane] + redis.call('ZCARD', queue(run)) end
    end
  end
  local wanted = math.min(open.deliver, full_width(account, 'deliver')) + math.min(open.confirm, full_width(account, 'confirm'))
  counted[#counted + 1] = {account, redis.call('HGET', K.account(account), 'imports_per_minute') or '100',
    redis.call('HGET', K.pace(account), 'imports') or '0', wanted}
end
return counted
