-- ARGV: id. A waiting job ends at once, a running one is flagged; its worker, the next claim
-- and the reaper honour the flag. Returns 'unknown', 'cancelled', 'flagged' or 'over'.
local id = ARGV[1]

local status = redis.call('HGET', key_of(id), 'status')
if not status then
  return 'unknown'
end
if status == 'queued' then
  conclude(id, 'cancelled')
  return 'cancelled'
end
if status == 'running' then
  redis.call('HSET', key_of(id), 'cancel', 1)
  return 'flagged'
end
return 'over'
