-- flags: allow-oom
-- Names those exports of which a run was surveyed for the list that they go to now.
--   memberships(e)  set
-- ARGV: export, export, ...
local found = {}
for _, id in ipairs(ARGV) do
  if redis.call('EXISTS', K.memberships(id)) == 1 then found[#found + 1] = id end
end
return found
