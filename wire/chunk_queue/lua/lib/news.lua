-- What happened to runs, to be told once by whichever producer takes it.
--   news  list  `opened RUN`, `closed RUN`, `blocked RUN CODE` or `unblocked RUN CODE`

-- Notes what happened to a run; while no producer tells it, the oldest are forgotten.
local function tell(what, run, code)
  redis.call('RPUSH', K.news(), what .. ' ' .. run .. (code and ' ' .. code or ''))
  redis.call('LTRIM', K.news(), -10000, -1)
end
