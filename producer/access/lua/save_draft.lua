-- uses: memory
-- Keeps an API key, sealed, until its connection is saved.
--   draft(digest)  string  the sealed key
-- ARGV: digest, sealed key, how long it lasts in ms
-- Returns 'saved'.
if is_filling() then return redis.error_reply(FULL) end
redis.call('SET', K.draft(ARGV[1]), ARGV[2], 'PX', ARGV[3])
return 'saved'
