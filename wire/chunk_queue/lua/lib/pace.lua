-- How fast an account may be asked.
--   account(a)  hash  limits: imports_per_minute, single_imports_per_minute, requests_per_second
--   pace(a)     hash
--     gate                        nobody sends before
--     next_any, next_import, next_single   when the next one may go, milliseconds with fractions
--     import_seen                 when an import last asked or went
--     cut_import, cut_single, cut_any      share of a limit that is used since a throttle; returns with time
--     cut_import_at, ...          when it was cut
--     throttled_at, throttled     the last throttle that counted, and the limit that was hit
--     streak                      how many came in a row, with nothing let through between them
--     imports, requests           booked since the account is known

local MARGIN = {import = 1.008, single = 1.008, any = 1.25}
local WINDOW = {import = 60000, single = 60000, any = 1000}
local LIMIT = {import = 'imports_per_minute', single = 'single_imports_per_minute', any = 'requests_per_second'}
local PUBLISHED = {import = 100, single = 20, any = 5}
local RETURNS = 0.05 / 60000
local LEAST = 0.1
local FURTHEST_GATE = 300000

local function share(account, limit, now)
  local f = redis.call('HMGET', K.pace(account), 'cut_' .. limit, 'cut_' .. limit .. '_at')
  if not f[1] then return 1 end
  return math.min(1, tonumber(f[1]) + RETURNS * math.max(0, now - tonumber(f[2])))
end

-- Milliseconds between two requests under one limit.
local function interval(account, limit, now)
  local most = tonumber(redis.call('HGET', K.account(account), LIMIT[limit]) or PUBLISHED[limit])
  return WINDOW[limit] * MARGIN[limit] / most / share(account, limit, now)
end

-- Ends a row of throttles: a request was let through that was sent after the last, under the limit that was hit.
local function let_through(account, lane, leased_at)
  local f = redis.call('HMGET', K.pace(account), 'throttled_at', 'throttled')
  if f[1] and leased_at >= tonumber(f[1]) and (lane == 'deliver' or f[2] == 'any') then
    redis.call('HDEL', K.pace(account), 'streak')
  end
end
