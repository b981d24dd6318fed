-- What is known of each address that an export has sent to a list of an account.
--   membership(e, a, l)  hash  `members`: how many; `level`, `split`: how many buckets; `runs`: how many there were, `run:N`:
--                              the id of one; `full_at`, `since_full`: the last full run's end, and how many since;
--                              `mapping`, `read`, `nulls`: of the last run
--   members(e, a, l, b)  hash  address -> entry (16 bytes, or 24 with the person's; wire.chunk_queue.membership_entry)
--   absent(e, a, l)      hash  whom the last surveyed snapshot lacked (producer.people.absence); `number`: of the last run that noted or kept it
--   unfolded(e, a, l)    hash  ended runs that left contacts which ActiveCampaign may have -> their number
--   memberships(e)       set   `account list` of those that an export has, the account by the host it began with
-- Buckets are hashes of 30 to 80 entries, which Redis keeps in one piece without pointers. They grow one at a time, by Litwin's
-- linear hashing: bucket `split` of `level` is parted in two when there are more than 40 entries a bucket. An address over 64
-- bytes would take its bucket apart: those live together in the bucket `long`.

local FILL = 40
local LONG = 64
local WAS_MEMBER = 128
local ENTRY = 16
local UNKNOWN = string.rep('\0', 8)

local function of(run)
  return unpack(redis.call('HMGET', K.run(run), 'export', 'account', 'list'))
end

local function hash_of(address) return tonumber(string.sub(redis.sha1hex(address), 1, 8), 16) end

local function buckets(key)
  local f = redis.call('HMGET', key, 'level', 'split', 'members')
  return tonumber(f[1] or 1), tonumber(f[2] or 0), tonumber(f[3] or 0)
end

local function grow(e, a, l, key, level, split)
  local low, high = K.members(e, a, l, split), K.members(e, a, l, split + level)
  local entries, moved, gone = redis.call('HGETALL', low), {}, {}
  for i = 1, #entries, 2 do
    if hash_of(entries[i]) % (2 * level) ~= split then
      moved[#moved + 1], moved[#moved + 2] = entries[i], entries[i + 1]
      gone[#gone + 1] = entries[i]
    end
  end
  if gone[1] then
    redis.call('HSET', high, unpack(moved))
    redis.call('HDEL', low, unpack(gone))
  end
  if split + 1 == level then level, split = 2 * level, -1 end
  redis.call('HSET', key, 'level', level, 'split', split + 1)
  return level, split + 1
end

-- Makes the buckets that so many will need, where nobody was ever written: then none has to grow under them.
local function make_room(run, count)
  local key = K.membership(of(run))
  if redis.call('HEXISTS', key, 'members') == 0 then redis.call('HSET', key, 'level', math.max(1, math.ceil(count / FILL))) end
end

local function bucket_of(address, level, split)
  if #address > LONG then return 'long' end
  local hash = hash_of(address)
  local bucket = hash % level
  return bucket < split and hash % (2 * level) or bucket
end

-- Whoever was a member, and is refused from now on, is marked so: the person or the marketer ended it.
local function with_past(entry, before)
  if not before then return entry end
  local was = string.byte(before) == string.byte('m') or string.byte(before, 2) >= WAS_MEMBER
  local reason = string.byte(entry, 2) % WAS_MEMBER + (was and WAS_MEMBER or 0)
  return string.sub(entry, 1, 1) .. string.char(reason) .. string.sub(entry, 3)
end

-- The entry of an address that its person has no more.
local function of_the_past(entry)
  local person = string.gsub(string.sub(entry, ENTRY + 1), '.', function(byte) return string.char(255 - string.byte(byte)) end)
  return string.sub(entry, 1, ENTRY) .. person
end

-- What is to be kept of an address: `x` or `-` and a person are about the entry that there is, as long as it is theirs.
local function kept_of(entry, kept, address)
  local before = redis.call('HGET', kept, address)
  if #entry < ENTRY then
    if not before or string.sub(before, ENTRY + 1) ~= string.sub(entry, 2) then return before or '' end
    return string.sub(entry, 1, 1) == '-' and of_the_past(before) or ''
  end
  if string.byte(entry) == string.byte('r') then entry = with_past(entry, before) end
  if string.sub(entry, ENTRY + 1) ~= UNKNOWN then return entry end
  return string.sub(entry, 1, ENTRY) .. (before and string.sub(before, ENTRY + 1) or '')
end

-- Writes entries, as `wire.chunk_queue.membership_entry.Entries` words them: addresses between line breaks, and the entries one after the other, each
-- behind its length. Instead of an entry, `x` and a person: their contact has another address by now; `-` and a person: they
-- have. A membership that is gone stays gone.
local function remember(run, addresses, entries)
  local e, a, l = of(run)
  local key = K.membership(e, a, l)
  if redis.call('EXISTS', key) == 0 then return end
  local level, split, members = buckets(key)
  local before, prefix, at = members, K.members(e, a, l, ''), 1
  for address in string.gmatch(addresses, '[^\n]+') do
    local length = string.byte(entries, at)
    local kept, entry = prefix .. bucket_of(address, level, split), string.sub(entries, at + 1, at + length)
    at = at + 1 + length
    if #entry ~= ENTRY or string.byte(entry) == string.byte('r') then entry = kept_of(entry, kept, address) end
    if entry == '' then
      members = members - redis.call('HDEL', kept, address)
    else
      members = members + redis.call('HSET', kept, address, entry)
    end
    if members > FILL * (level + split) then level, split = grow(e, a, l, key, level, split) end
  end
  if members ~= before then redis.call('HSET', key, 'members', members) end
end

local function drop(e, a, l)
  local key = K.membership(e, a, l)
  -- Nobody will fold these in any more.
  for _, ended in ipairs(redis.call('HKEYS', K.unfolded(e, a, l))) do redis.call('UNLINK', K.left(ended)) end
  local level, split = buckets(key)
  for bucket = 0, level + split - 1 do redis.call('UNLINK', K.members(e, a, l, bucket)) end
  redis.call('UNLINK', K.members(e, a, l, 'long'), K.unfolded(e, a, l), K.absent(e, a, l), key)
  redis.call('SREM', K.memberships(e), a .. ' ' .. l)
end

-- Drops what an export knows of other lists than this one; of all, without one.
local function drop_others(e, kept)
  for _, name in ipairs(redis.call('SMEMBERS', K.memberships(e))) do
    if name ~= kept then drop(e, string.match(name, '^(%S+) (%S+)$')) end
  end
end

-- Notes whom a surveyed snapshot lacks, field by field from ARGV[at] on; or 'keep' what is noted, or 'drop' it.
local function note_absent(run, word, at)
  local key = K.absent(of(run))
  if word ~= 'keep' then redis.call('DEL', key) end
  if word == 'note' then redis.call('HSET', key, unpack(ARGV, at)) end
  if redis.call('EXISTS', key) == 1 then redis.call('HSET', key, 'number', redis.call('HGET', K.run(run), 'number')) end
end

-- Writes down with a run under which of the account's hosts its export keeps what it knows of this list. That stays where it
-- began: neither another host of the same account nor our finding that two hosts are one account moves it.
local function settle_place(run)
  local e, host, l = of(run)
  local other
  for _, name in ipairs(redis.call('SMEMBERS', K.memberships(e))) do
    local a, list = string.match(name, '^(%S+) (%S+)$')
    if list == l and account_of(a) == account_of(host) then
      if a == host then return end
      other = a
    end
  end
  if other then redis.call('HSET', K.run(run), 'account', other) end
end

-- Numbers a run of this membership, which begins with it if it is the first.
local function enrol(run)
  settle_place(run)
  local e, a, l = of(run)
  local key = K.membership(e, a, l)
  drop_others(e, a .. ' ' .. l)
  redis.call('SADD', K.memberships(e), a .. ' ' .. l)
  local number = redis.call('HINCRBY', key, 'runs', 1)
  redis.call('HSET', key, 'run:' .. number, run)
  redis.call('HSET', K.run(run), 'number', number)
end
