-- ARGV: seconds without a heartbeat after which a worker counts as gone
-- Returns {number of queued jobs of each class as a flat list, number of running jobs, age of the
-- oldest queued job in seconds or 0, workers, metrics, names of the draining workers,
-- number of pending webhooks}.
local alive_s = unpack(ARGV)

settle()
-- The oldest need not be the next one.
local oldest = redis.call('ZRANGE', 'jobs:status:queued', 0, 0)[1]
local created_at = oldest and redis.call('HGET', key_of(oldest), 'created_at') or now()
return {
  redis.call('HGETALL', 'jobs:classes'), redis.call('ZCARD', 'jobs:leases'),
  tostring(math.max(0, now() - created_at)), alive_workers(alive_s),
  redis.call('HGETALL', 'metrics'), redis.call('SMEMBERS', 'workers:draining'),
  redis.call('ZCARD', 'webhooks:pending'),
}
