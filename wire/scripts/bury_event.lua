-- uses: events
-- Moves an entry of the event stream to the dead ones, if its consumer still holds it.
--   events, dead_events  as in lib/events.lua
-- ARGV: consumer, entry, retention in ms, most, then names and values of what is told of it
-- Returns 'buried' or 'lost'.
local entry, now = ARGV[2], clock()
if not group() or not is_held(ARGV[1], entry) then return 'lost' end
-- An id may hold any time: what is shown is not later than now.
local received = math.min(tonumber(entry:match('^%d+')), now)
redis.call('XADD', K.dead_events(), 'MAXLEN', ARGV[4], '*',
  'entry', entry, 'received', string.format('%.0f', received), unpack(ARGV, 5)) -- rule: may fail for want of memory, so first
redis.call('XTRIM', K.dead_events(), 'MINID', string.format('%.0f', now - tonumber(ARGV[3])))
acknowledge(entry)
return 'buried'
