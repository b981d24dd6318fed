-- flags: allow-oom
-- Gives back what a wake-up was answered with, and forgets the wake-up, where the answer was lost: the next sweep rings at once.
--   bells(a)        zset    bells rung and not yet heard
--   settled(token)  string  nothing is taken under this token any more: what was asked may be carried out late
--   leases(a, l), ready, accepted, chunk, under_way   as in the libraries
-- ARGV: account, bell or '', token, then the next three
-- Returns how many chunks were given back. Nothing was sent for them.
local REMEMBERED = 60000

local function give_back(account, token)
  for _, lane in ipairs({'deliver', 'confirm'}) do
    for _, held in ipairs(redis.call('ZRANGE', K.leases(account, lane), 0, -1)) do
      local run, id = string.match(held, '^(.*)/([^/]*)$')
      local key = K.chunk(run, id)
      local f = redis.call('HMGET', key, 'taker', 'state', 'token', 'place')
      local is_its = f[1] == token and (lane == 'confirm' and f[2] == 'accepted' or f[2] == 'leased' and f[3] == token)
      if is_its then
        redis.call('ZREM', K.leases(account, lane), held)
        redis.call('ZREM', K.under_way(account), token)
        redis.call('HDEL', key, 'taker')
        if lane == 'deliver' then
          redis.call('HSET', key, 'state', 'ready')
          redis.call('HDEL', key, 'token', 'sending')
        end
        redis.call('ZADD', lane == 'deliver' and K.ready(run) or K.accepted(run), 'XX', f[4] or 0, id)
        return 1
      end
    end
  end
  return 0
end

local given_back = 0
for i = 1, #ARGV, 3 do
  local account, bell, token = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  redis.call('ZREM', K.bells(account), bell)
  redis.call('SET', K.settled(token), 'given_back', 'PX', REMEMBERED)
  given_back = given_back + give_back(account, token)
end
return given_back
