-- flags: allow-oom
-- Names the runs to be shown: the newest of each export that is still there, and all that are not over.
--   runs, exports, accounts, lane, reading, run   as in wire.store.keys
-- ARGV: how many of the newest runs are looked at for the first
-- Returns ids of runs, each once.
local found, seen, waiting = {}, {}, {}
local function show(run)
  if not seen[run] then
    seen[run] = true
    found[#found + 1] = run
  end
end

local exports = redis.call('HVALS', K.exports())
for _, export in ipairs(exports) do waiting[export] = true end
local missing = #exports
for _, run in ipairs(redis.call('ZREVRANGE', K.runs(), 0, tonumber(ARGV[1]) - 1)) do
  if missing == 0 then break end
  local export = redis.call('HGET', K.run(run), 'export')
  if export and waiting[export] then
    waiting[export] = nil
    missing = missing - 1
    show(run)
  end
end

-- What is not over is read, or has chunks.
for _, run in ipairs(redis.call('ZRANGE', K.reading(), 0, -1)) do show(run) end
for _, account in ipairs(redis.call('SMEMBERS', K.accounts())) do
  for _, run in ipairs(redis.call('ZRANGE', K.lane(account), 0, -1)) do show(run) end
end
return found
