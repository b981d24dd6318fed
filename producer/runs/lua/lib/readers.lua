-- A run is read under a lease with a token; whoever's token it is not starts again from the record.
--   run(id)  hash  `reader`: the token
--   reading  zset  run -> until when the lease holds

-- Why `token` may not go on reading `run`, or nil.
local function may_not_read(run, token)
  local f = redis.call('HMGET', K.run(run), 'reader', 'ending', 'finished', 'reading_ended')
  if f[2] or f[3] or f[4] then return 'over' end
  if f[1] ~= token then return 'lost' end -- rule: only the reader writes
  return nil
end
