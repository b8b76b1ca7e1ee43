-- ARGV: seconds after which a worker that was not heard of is gone
-- Returns {waiting, running, age of the oldest waiting job in seconds or 0, workers, metrics}.
local alive_s = unpack(ARGV)

local oldest = now() -- at most, whatever the clock says; not always the first: a job may have been put behind younger ones
for _, id in ipairs(redis.call('ZRANGE', 'jobs:queued', 0, -1)) do
  oldest = math.min(oldest, redis.call('HGET', key_of(id), 'created_at'))
end
return {
  redis.call('ZCARD', 'jobs:queued'), redis.call('ZCARD', 'jobs:leases'), tostring(now() - oldest),
  alive_workers(alive_s), redis.call('HGETALL', 'metrics'),
}
