-- flags: allow-oom
-- Lets nobody send for a second: a fresh server may have forgotten the last bookings.
--   hold  string  until when
local now = clock()
redis.call('SET', K.hold(), now + 1000, 'PX', 1000)
return 'held'
