-- uses: events
-- flags: allow-oom
-- Leaves an entry of the event stream with its consumer as if it had not been delivered this time.
--   events  stream  as in lib/events.lua
-- ARGV: consumer, entry, how often it was delivered before
-- Returns 'kept' or 'lost'.
if not group() or not is_held(ARGV[1], ARGV[2]) then return 'lost' end
redis.call('XCLAIM', K.events(), GROUP, ARGV[1], 0, ARGV[2], 'RETRYCOUNT', ARGV[3], 'JUSTID')
return 'kept'
