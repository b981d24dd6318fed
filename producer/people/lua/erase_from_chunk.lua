-- uses: audit, news, standing, blocks, runs
-- flags: allow-oom
-- Takes somebody out of a chunk that is in nobody's hands: in this step it is as if we had its lease.
--   chunk(run, id)  hash  changes or ends; `erased`: it lost somebody after ActiveCampaign had accepted it
--   run(id)         hash  its books: whom it loses is unsent, or unconfirmed if ActiveCampaign has accepted them
--   leases(a, l), block(connection)   whether somebody has it, and whether its batch can be followed at all
-- ARGV: run, chunk, contacts and facts as they were read, contacts, rows and fingerprints without them, how many they are,
--       facts without them
-- Returns 'erased', or 'held' if somebody has the chunk, its batch is followed to its end, or it is another by now.
local run, id = ARGV[1], ARGV[2]
local now = clock()
local record, key = K.run(run), K.chunk(run, id)
local chunk = redis.call('HMGET', key, 'state', 'contacts', 'facts', 'count', 'bytes')
local account, connection = unpack(redis.call('HMGET', record, 'account', 'connection'))
if chunk[2] ~= ARGV[3] or (chunk[3] or '{}') ~= ARGV[4] then return 'held' end
local fate_of_theirs = 'unsent'
if chunk[1] == 'leased' and tonumber(redis.call('ZSCORE', K.ready(run), id)) <= now then
  -- Whoever had it is gone; should they come back, it is no longer theirs.
  redis.call('HDEL', key, 'token')
  redis.call('HSET', key, 'state', 'ready')
  redis.call('ZREM', K.leases(account, 'deliver'), run .. '/' .. id)
elseif chunk[1] == 'accepted' then
  -- Its batch is followed to its end, unless nobody is let in to ask after it: that may be so for ever.
  if redis.call('HGET', K.block(connection), 'blocked') ~= '1' then return 'held' end
  if tonumber(redis.call('ZSCORE', K.leases(account, 'confirm'), run .. '/' .. id) or 0) > now then return 'held' end
  fate_of_theirs = 'unconfirmed'
  redis.call('HSET', key, 'erased', '1')
elseif chunk[1] ~= 'ready' then
  return 'held' -- rule: a chunk's contacts change only under its lease
end
redis.call('HINCRBY', record, fate(run, id, fate_of_theirs), tonumber(chunk[4]) - tonumber(ARGV[8]))
if ARGV[8] == '0' then
  forget_chunk(run, id)
  close(run, now)
  return 'erased'
end
local bytes = #ARGV[5] + #ARGV[6] + #ARGV[7]
redis.call('HSET', key, 'contacts', ARGV[5], 'rows', ARGV[6], 'prints', ARGV[7], 'bytes', bytes, 'count', ARGV[8])
redis.call('HSET', key, 'facts', ARGV[9])
redis.call('HINCRBY', record, 'held', bytes - tonumber(chunk[5]))
return 'erased'
