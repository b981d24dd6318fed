-- flags: allow-oom
-- Ends a session of the page.
--   session(digest)  string  document (JSON)
-- ARGV: digest
-- Returns how many there were: 1, or 0.
return redis.call('DEL', K.session(ARGV[1]))
