-- uses: events
-- flags: allow-oom
-- Hands a consumer the next entry of the event stream, and makes the group where there is none.
--   events  stream  as in lib/events.lua
-- ARGV: consumer, from, idle in ms, gone in ms
--   from: '' or the start of a range of ids: only what this consumer took before and has not acknowledged.
--   Without it, what somebody took longer ago than `idle`, and then what nobody has taken.
--   Consumers that hold nothing and were not heard of for `gone` are struck off.
-- Returns entry, its event or nothing if it has none, how often it was delivered, its time in ms; or nothing at all.
local consumer, from, idle, gone = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if not group() then redis.call('XGROUP', 'CREATE', K.events(), GROUP, '0', 'MKSTREAM') end

local function handed(entry, deliveries)
  local id = entry[1]
  return {id, by_name(entry[2]).event or false, deliveries, id:match('^%d+')}
end

local function claimed(idle_ms, start, ...)
  while true do
    local row = redis.call('XPENDING', K.events(), GROUP, 'IDLE', idle_ms, start, '+', 1, ...)[1]
    if not row then return nil end
    local entry = redis.call('XCLAIM', K.events(), GROUP, consumer, idle_ms, row[1])[1]
    if entry then return handed(entry, row[4] + 1) end
    redis.call('XACK', K.events(), GROUP, row[1]) -- rule: an entry that somebody deleted is no longer pending
  end
end

local function strike_off()
  for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', K.events(), GROUP)) do
    local one = by_name(flat)
    if one.pending == 0 and one.idle > gone then redis.call('XGROUP', 'DELCONSUMER', K.events(), GROUP, one.name) end
  end
end

if from ~= '' then return claimed(0, from, consumer) or false end
local found = claimed(idle, '-')
if found then return found end
local fresh = redis.call('XREADGROUP', 'GROUP', GROUP, consumer, 'COUNT', 1, 'STREAMS', K.events(), '>')
if fresh then return handed(fresh[1][2][1], 1) end
strike_off()
return false
