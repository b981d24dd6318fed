-- uses: audit, registry, sharing, accounts
-- flags: allow-oom
-- Makes one of two accounts that are found to be the same, also while runs are under way: from this step on their connections
-- share pace, turns and limits. Nothing of what is known of people moves.
--   account_names, and lib/sharing.lua's
-- ARGV: account, the account that it is, what the trail says of each connection that it changes
-- Returns the names of these connections.
local from, to, said = unpack(ARGV)
if account_of(from) ~= from or account_of(to) ~= to or from == to then return {} end -- somebody was quicker
local hosts, named = connected_hosts()
local changing = {}
for _, id in ipairs(redis.call('HVALS', K.connections())) do
  local f = redis.call('HMGET', K.connection(id), 'account', 'document')
  if f[1] and account_of(f[1]) == from then changing[#changing + 1] = {id, cjson.decode(f[2]).name} end
end
unite(from, to, hosts[from] or not named[from], clock())
changed()
local told = {}
for i, one in ipairs(changing) do
  note(said, {what = 'connection.changed', kind = 'connection', name = one[2], id = one[1]})
  told[i] = one[2]
end
return told
