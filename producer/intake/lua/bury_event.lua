-- uses: events, audit
-- Moves an entry of the event stream to the dead ones, if its consumer still holds it.
--   events, dead_events  as in lib/events.lua
--   audited_deaths       string  how many the trail has of this hour
-- ARGV: consumer, entry, retention in ms, most, then names and values of what is told of it
-- Returns 'buried' or 'lost'.
local DEATHS_NOTED, HOUR = 20, 3600000
local entry, now = ARGV[2], clock()

local function death(words)
  local told = {}
  for i = 5, #words, 2 do told[words[i]] = words[i + 1] end
  return {what = 'event.dead', kind = 'event', name = told.id or '', id = entry,
    facts = {cause = told.cause, reason = told.reason, source = told.source}}
end

if not group() or not is_held(ARGV[1], entry) then return 'lost' end
-- An id may hold any time: what is shown is not later than now.
local received = math.min(tonumber(entry:match('^%d+')), now)
redis.call('XADD', K.dead_events(), 'MAXLEN', ARGV[4], '*',
  'entry', entry, 'received', string.format('%.0f', received), unpack(ARGV, 5)) -- rule: may fail for want of memory, so first
redis.call('XTRIM', K.dead_events(), 'MINID', string.format('%.0f', now - tonumber(ARGV[3])))
acknowledge(entry)
-- A publisher that is wrong in a loop may not fill the trail: the first of an hour say it, the list of dead events has the rest.
if redis.call('INCR', K.audited_deaths()) <= DEATHS_NOTED then note('', death(ARGV)) end
redis.call('PEXPIRE', K.audited_deaths(), HOUR, 'NX')
return 'buried'
