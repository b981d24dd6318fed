-- flags: allow-oom
-- Says when the segments that exports name were refreshed last.
--   exports, export(id)  hash  `document` (JSON) has `segment`
--   segment(name)        hash  `time`
-- Returns segment, ms since 1970, segment, ms ...; one that was never refreshed is left out, one that two exports name comes twice.
local told = {}
for _, id in ipairs(redis.call('HVALS', K.exports())) do
  local segment = cjson.decode(redis.call('HGET', K.export(id), 'document') or '{}').segment
  local time = segment and redis.call('HGET', K.segment(segment), 'time')
  if time then
    told[#told + 1] = segment
    told[#told + 1] = time
  end
end
return told
