-- ARGV: maximum number of jobs to read
-- Rebuilds the sorted sets jobs:status:{status} if an earlier version, which does not have them, has
-- created or changed jobs. Returns 1 if it must be called again, and 0 when done.
-- jobs:indexed is the sequence number of the last job read; concurrent callers share it.
local most = ARGV[1]

local _, queued = settle()

-- Tell whether the sizes of the sets agree. They do if every job is in exactly one of these sets,
-- every queued job is also in the queue, and every running job has a lease or is parked.
local function is_whole()
  local total = 0
  for _, status in ipairs(STATUSES) do
    total = total + redis.call('ZCARD', 'jobs:status:' .. status)
  end
  return total == redis.call('ZCARD', 'jobs:all')
    and redis.call('ZCARD', 'jobs:status:queued') == queued
    and redis.call('ZCARD', 'jobs:status:running')
      == redis.call('ZCARD', 'jobs:leases') + redis.call('SCARD', 'jobs:parked')
end

local reached = redis.call('GET', 'jobs:indexed')
if not reached and is_whole() then
  return 0
end
local found = redis.call('ZRANGEBYSCORE', 'jobs:all', '(' .. (reached or 0), '+inf', 'WITHSCORES',
  'LIMIT', 0, most)
if #found == 0 then
  redis.call('DEL', 'jobs:indexed')
  return 0
end
local ids, entries = {}, {} -- entries: status → score, id, score, id ...
for i = 1, #found, 2 do
  local id, score = found[i], found[i + 1]
  local status = redis.call('HGET', key_of(id), 'status')
  entries[status] = entries[status] or {}
  table.insert(ids, id)
  table.insert(entries[status], score)
  table.insert(entries[status], id)
end
for _, status in ipairs(STATUSES) do
  redis.call('ZREM', 'jobs:status:' .. status, unpack(ids))
end
for status, members in pairs(entries) do
  redis.call('ZADD', 'jobs:status:' .. status, unpack(members))
end
redis.call('SET', 'jobs:indexed', found[#found])
return 1
