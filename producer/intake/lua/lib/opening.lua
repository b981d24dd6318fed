-- How a run is opened: queued for its list, and to be read.
--   runs, run(id), reading, turns(a, list)   as in lib/runs.lua
-- A run arrives as a table of the record's first fields, all text; `by` is what the trail says of who had it opened.

local function waits_to_begin(run)
  local f = redis.call('HMGET', K.run(run), 'begun', 'dry_run')
  return not f[1] and f[2] == '0' and not is_over(run)
end

-- A newer refresh takes the place of runs of the same export that have not begun, and inherits their `full`; with `trigger`
-- only of those that the same brought about.
local function supersede(run, now, trigger)
  local full = false
  for _, other in ipairs(redis.call('ZRANGE', K.turns(run.account, run.list), 0, -1)) do
    local f = redis.call('HMGET', K.run(other), 'export', 'trigger')
    if waits_to_begin(other) and f[1] == run.export and (not trigger or f[2] == trigger) then
      full = full or redis.call('HGET', K.run(other), 'mode') == 'full'
      end_early(other, 'superseded', '', now)
    end
  end
  return full
end

local function open_run(run, now, by, event)
  local key = K.run(run.id)
  for name, value in pairs(run) do redis.call('HSET', key, name, value) end
  redis.call('HSET', key, 'created', now, 'deadline', now + tonumber(run.budget_ms))
  redis.call('ZADD', K.runs(), now, run.id)
  redis.call('ZADD', K.reading(), 0, run.id)
  note(by, about_run(run.id, 'run.opened', {trigger = run.trigger, mode = run.mode, dry_run = run.dry_run, event = event,
    include_refused = run.include_refused, snapshot = run.snapshot:match('^[^?]*'), retry_of = run.retry_of}))
  tell('opened', run.id)
  if run.dry_run == '0' then redis.call('ZADD', K.turns(run.account, run.list), now, run.id) end
end
