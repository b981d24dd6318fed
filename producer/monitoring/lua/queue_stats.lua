-- uses: audit, news, standing, blocks, runs, turns, pace, lanes
-- flags: allow-oom
-- Shows what is inside the pipes: gates and paces of accounts, and of each run with chunks what waits and what is in hand.
--   accounts, lane, ready, leases, account, pace   as in the libraries
-- Returns for each account with chunks: account, ms until its gate opens, share of its imports that is used since a throttle
-- (text), then for each of its runs: run, ms the oldest chunk that may go has been due, chunks leased to deliver, to confirm.
local now = clock()
local shown = {}
for _, account in ipairs(redis.call('SMEMBERS', K.accounts())) do
  local gate = math.min(tonumber(redis.call('HGET', K.pace(account), 'gate') or 0), now + FURTHEST_GATE)
  local row = {account, math.max(0, math.ceil(gate - now)), tostring(share(account, 'import', now)), {}}
  local held = {}
  for lane in pairs(LANES) do
    for _, member in ipairs(redis.call('ZRANGE', K.leases(account, lane), now, '+inf', 'BYSCORE')) do
      local name = lane .. ' ' .. string.match(member, '^(.*)/')
      held[name] = (held[name] or 0) + 1
    end
  end
  for _, run in ipairs(redis.call('ZRANGE', K.lane(account), 0, -1)) do
    local oldest = is_open(run, 'deliver', now) and due(run, 'deliver', now)[2] or now
    row[4][#row[4] + 1] = {run, math.floor(now - tonumber(oldest)), held['deliver ' .. run] or 0, held['confirm ' .. run] or 0}
  end
  shown[#shown + 1] = row
end
return shown
