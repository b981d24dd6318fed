-- uses: audit, news, standing, blocks
-- Shows runs as they stand at one moment.
--   run(id), ready(run), accepted(run), block(scope)
-- ARGV: run, run, ...
-- Returns now, then for each run that exists: id, its record, chunks ready, chunks accepted, its block, its connection's.
local now = clock()
local shown = {now}
for _, run in ipairs(ARGV) do
  local record = redis.call('HGETALL', K.run(run))
  if #record > 0 then
    local connection = redis.call('HGET', K.run(run), 'connection')
    shown[#shown + 1] = {run, record, redis.call('ZCARD', K.ready(run)), redis.call('ZCARD', K.accepted(run)),
      redis.call('HGETALL', K.block(run)), redis.call('HGETALL', K.block(connection))}
  end
end
return shown
