-- ARGV: most jobs to look at
-- Puts jobs into the sorted set of their status, where an earlier version, which had none but
-- jobs:queued, has left its own: as long as it has to be called again it returns 1, else 0.
-- jobs:indexed is how far all who call it have come together.
local most = unpack(ARGV)

-- Each job is in one set, and a running one has a lease.
local function is_whole()
  local total = 0
  for _, status in ipairs(STATUSES) do
    total = total + redis.call('ZCARD', 'jobs:' .. status)
  end
  return total == redis.call('ZCARD', 'jobs:all')
    and redis.call('ZCARD', 'jobs:running') == redis.call('ZCARD', 'jobs:leases')
end

local reached = redis.call('GET', 'jobs:indexed')
if not reached and is_whole() then
  return 0
end
local ids = redis.call('ZRANGEBYSCORE', 'jobs:all', '(' .. (reached or 0), '+inf', 'LIMIT', 0, most)
if #ids == 0 then
  redis.call('DEL', 'jobs:indexed')
  return 0
end
for _, id in ipairs(ids) do
  set_status(id, redis.call('HGET', key_of(id), 'status'))
end
redis.call('SET', 'jobs:indexed', redis.call('ZSCORE', 'jobs:all', ids[#ids]))
return 1
