-- flags: allow-oom
-- Writes behind everything that was written before, so that to wait for this on disk is to wait for all of it.
--   kept  string  when
redis.call('SET', K.kept(), clock())
return 'written'
