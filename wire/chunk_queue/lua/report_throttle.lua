-- uses: pace
-- flags: allow-oom
-- Closes the gate for everybody on the account and cuts the pace of the limit that was hit.
--   pace  as in lib/pace.lua
-- ARGV: account, limit (import, single, any), Retry-After in ms or '', when the request was let go
local account, limit, sent_at = ARGV[1], ARGV[2], tonumber(ARGV[4])
local key = K.pace(account)
local now = clock()
local f = redis.call('HMGET', key, 'gate', 'throttled_at', 'streak')

-- Requests that were under way together say one thing, not several.
local fresh = sent_at >= tonumber(f[2] or 0)
local streak = tonumber(f[3] or -1)
if fresh then
  streak = now - tonumber(f[2] or 0) < 120000 and math.min(streak + 1, 4) or 0
  local cut = math.max(LEAST, share(account, limit, now) / 2)
  redis.call('HSET', key, 'throttled_at', now, 'throttled', limit, 'streak', streak,
    'cut_' .. limit, cut, 'cut_' .. limit .. '_at', now)
end
local wait = ARGV[3] ~= '' and math.min(tonumber(ARGV[3]), FURTHEST_GATE) or math.min(60000, 5000 * 2 ^ math.max(streak, 0))
local gate = math.max(math.min(tonumber(f[1] or 0), now + FURTHEST_GATE), now + wait)
redis.call('HSET', key, 'gate', string.format('%.0f', gate))
return math.ceil(gate - now)
