-- flags: allow-oom
-- Returns what the hashes of the forgotten are keyed with; made once, of the bytes that the first one brings.
--   forgotten_key  string
-- ARGV: random bytes
redis.call('SET', K.forgotten_key(), ARGV[1], 'NX')
return redis.call('GET', K.forgotten_key())
