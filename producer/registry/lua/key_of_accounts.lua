-- Returns what the hashes that tell accounts apart are keyed with; made once, of the bytes that the first one brings.
--   account_key  string
-- ARGV: random bytes
redis.call('SET', K.account_key(), ARGV[1], 'NX')
return redis.call('GET', K.account_key())
