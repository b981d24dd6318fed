-- uses: memory
-- Keeps a new session of the page, for as long as it lasts.
--   session(digest)  string  document (JSON)
-- ARGV: digest, document, how long it lasts in ms
-- Returns 'saved'.
if is_filling() then return redis.error_reply(FULL) end
redis.call('SET', K.session(ARGV[1]), ARGV[2], 'PX', ARGV[3])
return 'saved'
