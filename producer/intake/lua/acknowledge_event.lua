-- uses: events
-- flags: allow-oom
-- Acknowledges an entry of the event stream whose answer is written, whoever holds it by now.
--   events  stream  as in lib/events.lua
-- ARGV: entry
-- Returns 'acknowledged'.
if group() then acknowledge(ARGV[1]) end
return 'acknowledged'
