-- ARGV: seconds without a heartbeat after which a worker counts as gone
-- Returns {queued, running, age of the oldest queued job in seconds or 0, workers, metrics}.
local alive_s = unpack(ARGV)

-- Search all queued jobs: the oldest need not be the first, because a job whose workers keep dying
-- moves to the end. Start with the current time, so that no age is negative.
local oldest = now()
for _, id in ipairs(redis.call('ZRANGE', 'jobs:queued', 0, -1)) do
  oldest = math.min(oldest, redis.call('HGET', key_of(id), 'created_at'))
end
return {
  redis.call('ZCARD', 'jobs:queued'), redis.call('ZCARD', 'jobs:leases'), tostring(now() - oldest),
  alive_workers(alive_s), redis.call('HGETALL', 'metrics'),
}
