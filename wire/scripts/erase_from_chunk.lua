-- uses: audit, standing, blocks, runs
-- flags: allow-oom
-- Takes somebody out of a chunk that is in nobody's hands: in this step it is as if we had its lease.
--   chunk(run, id)  hash  changes or ends
--   run(id)         hash  its books: whom it loses is unsent
-- ARGV: run, chunk, contacts and facts as they were read, contacts, rows and fingerprints without them, how many they are
-- Returns 'erased', or 'held' if somebody has the chunk, ActiveCampaign has accepted it, or it is another by now.
local run, id = ARGV[1], ARGV[2]
local now = clock()
local record, key = K.run(run), K.chunk(run, id)
local chunk = redis.call('HMGET', key, 'state', 'contacts', 'facts', 'count', 'bytes')
if chunk[2] ~= ARGV[3] or (chunk[3] or '{}') ~= ARGV[4] then return 'held' end
if chunk[1] == 'leased' and tonumber(redis.call('ZSCORE', K.ready(run), id)) <= now then
  -- Whoever had it is gone; should they come back, it is no longer theirs.
  redis.call('HDEL', key, 'token')
  redis.call('HSET', key, 'state', 'ready')
  redis.call('ZREM', K.leases(redis.call('HGET', record, 'account'), 'deliver'), run .. '/' .. id)
elseif chunk[1] ~= 'ready' then
  return 'held' -- rule: a chunk's contacts change only under its lease
end
redis.call('HINCRBY', record, fate(run, id, 'unsent'), tonumber(chunk[4]) - tonumber(ARGV[8]))
if ARGV[8] == '0' then
  forget_chunk(run, id)
  close(run, now)
  return 'erased'
end
local bytes = #ARGV[5] + #ARGV[6] + #ARGV[7]
redis.call('HSET', key, 'contacts', ARGV[5], 'rows', ARGV[6], 'prints', ARGV[7], 'bytes', bytes, 'count', ARGV[8])
redis.call('HINCRBY', record, 'held', bytes - tonumber(chunk[5]))
return 'erased'
