-- flags: allow-oom
-- Puts a page without somebody in the place of the page that was read.
--   rejects(run), held_back(run), moved(run), left(run)  list
-- ARGV: the list's name, run, place, the page as it was read, the page without them
-- Returns 1, or 0 if another page stands there by now.
local key = K[ARGV[1]](ARGV[2])
if redis.call('LINDEX', key, ARGV[3]) ~= ARGV[4] then return 0 end
redis.call('LSET', key, ARGV[3], ARGV[5])
return 1
