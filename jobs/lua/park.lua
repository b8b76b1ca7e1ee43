-- ARGV: id, fence, number of the ended trials that the worker knows of, then names and values of
-- fields
-- Lets a running sweep wait for its trials without a worker: the claim ends. If a trial has ended
-- that the worker does not know of, the sweep does not wait, so no end is missed.
-- Returns 'parked', 'again', or 'cancel' or 'lost' as `verdict` does.
local id, fence, ended = unpack(ARGV)

local answer = verdict(id, fence)
if answer ~= 'go on' then
  return answer
end
if #ARGV > 3 then
  redis.call('HSET', key_of(id), unpack(ARGV, 4))
end
if (redis.call('HGET', key_of(id), 'ended') or '0') ~= ended then
  return 'again'
end
redis.call('HINCRBY', key_of(id), 'fence', 1) -- so nothing that this worker still sends has an effect
redis.call('HDEL', key_of(id), 'owner', 'deaths', 'memory_deaths')
redis.call('ZREM', 'jobs:leases', id)
redis.call('SADD', 'jobs:parked', id)
give_turn_back(id) -- its trials are the turns of its owner
return 'parked'
