-- Lists runs, the newest first, and strikes those off whose record has come to the end of its time.
--   runs     zset  run -> created
--   run(id)  hash  `export`
-- ARGV: the run after which to go on or '', how many, the export's id or '' for all
-- Returns ids of runs.
local after, most, export = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local first = 0
if after ~= '' then
  local rank = redis.call('ZREVRANK', K.runs(), after)
  if not rank then return {} end -- struck off: what is older is, too
  first = rank + 1
end
local found, gone = {}, {}
while #found < most do
  local batch = redis.call('ZREVRANGE', K.runs(), first, first + 199)
  if #batch == 0 then break end
  for _, run in ipairs(batch) do
    local of = redis.call('HGET', K.run(run), 'export')
    if not of then
      gone[#gone + 1] = run
    elseif #found < most and (export == '' or of == export) then
      found[#found + 1] = run
    end
  end
  first = first + #batch
end
for _, run in ipairs(gone) do redis.call('ZREM', K.runs(), run) end
return found
