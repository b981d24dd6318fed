-- uses: audit, memory
-- Notes what changes nothing in the record, before it is answered.
-- ARGV: what the trail says of it
-- Returns 'noted'.
if is_filling() then return redis.error_reply(FULL) end
note(ARGV[1], {})
return 'noted'
