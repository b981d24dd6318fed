-- The stream that in-cluster publishers append events to, and its consumer group.
--   events       stream  field `event`: one CloudEvent (JSON)
--   dead_events  stream  what could not be taken

local GROUP = 'producers'

-- Reads a flat reply of names and values as a table; what the server does not know is false.
local function by_name(flat)
  local named = {}
  for i = 1, #flat, 2 do named[flat[i]] = flat[i + 1] end
  return named
end

-- What the server tells of the group; nil if there is no stream, or no group on it yet.
local function group()
  if redis.call('EXISTS', K.events()) == 0 then return nil end
  for _, flat in ipairs(redis.call('XINFO', 'GROUPS', K.events())) do
    local told = by_name(flat)
    if told.name == GROUP then return told end
  end
end

-- Whether an entry is in the hands of this consumer: one that was slow has lost it to another.
local function is_held(consumer, entry)
  local row = redis.call('XPENDING', K.events(), GROUP, entry, entry, 1)[1]
  return row and row[2] == consumer
end

-- Acknowledges an entry, and trims what lies below everything that is not acknowledged.
local function acknowledge(entry)
  redis.call('XACK', K.events(), GROUP, entry)
  local oldest = redis.call('XPENDING', K.events(), GROUP)[2] or group()['last-delivered-id']
  redis.call('XTRIM', K.events(), 'MINID', oldest) -- rule: never MAXLEN, which trims what nobody has taken
end
