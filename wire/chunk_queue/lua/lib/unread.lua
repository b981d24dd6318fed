-- Counts answers over a connection that cannot be read; so many in a row block it.
--   unread(connection)  hash  `row`: since the last answer that could be read; `imports`: the same of imports alone, of which
--                             a poll that could be read says nothing

local ROW = 3
local IMPORTS = 6
local COUNTED_FOR = 86400000

local function could_read(connection, importing)
  if importing then redis.call('DEL', K.unread(connection)) else redis.call('HDEL', K.unread(connection), 'row') end
end

-- `reason`: what a block would say. `importing`: the answer was to an import, which may have been done.
local function could_not_read(connection, account, reason, importing, leased_at, now)
  local key = K.unread(connection)
  local row = redis.call('HINCRBY', key, 'row', 1)
  local imports = redis.call('HINCRBY', key, 'imports', importing and 1 or 0)
  redis.call('PEXPIRE', key, COUNTED_FOR)
  local is_blocked = redis.call('HGET', K.block(connection), 'blocked') == '1'
  if not is_blocked and row < ROW and imports < IMPORTS then return end
  block(connection, account, {scope = 'connection', code = 'unreadable_answers', reason = reason, definite = true,
    careful = imports > 0, sends = importing}, leased_at, now)
end
