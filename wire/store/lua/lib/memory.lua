-- Whether the server has room for more work: what is under way must be able to end, so the rest of the memory is kept for it.

local MOST_OF_MEMORY = 0.85

local function is_filling()
  local told = redis.call('INFO', 'memory')
  local most = tonumber(told:match('\nmaxmemory:(%d+)') or 0)
  return most > 0 and tonumber(told:match('\nused_memory:(%d+)')) > MOST_OF_MEMORY * most
end

-- What is answered instead, in the words of a server that is full.
local FULL = 'OOM more than 85 % of maxmemory is used: nothing is taken in'
