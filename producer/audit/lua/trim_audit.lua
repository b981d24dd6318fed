-- flags: allow-oom
-- Drops what of the trail is older than it is kept.
--   audit  stream
-- ARGV: retention in ms
-- Returns how many entries were dropped.
return redis.call('XTRIM', K.audit(), 'MINID', string.format('%.0f', clock() - tonumber(ARGV[1])))
