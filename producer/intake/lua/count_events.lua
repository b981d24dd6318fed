-- uses: events
-- Counts the events that are not acknowledged, and the dead ones.
--   events, dead_events  as in lib/events.lua
-- Returns both counts.
local dead = redis.call('XLEN', K.dead_events())
local told = group()
if not told then return {redis.call('XLEN', K.events()), dead} end
local ahead = told.lag
if not ahead then -- The server cannot tell once an entry was deleted by hand.
  ahead = #redis.call('XRANGE', K.events(), '(' .. told['last-delivered-id'], '+')
end
return {told.pending + ahead, dead}
