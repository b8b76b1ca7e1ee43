-- ARGV: lease in seconds, queue, worker, what it says of itself, then job, fence, cause of
-- each dead owner
-- Notes that the worker lives, requeues jobs whose lease ran out or whose owner is known to
-- be dead, and returns how many tokens the queue lacks: lost messages are made up for.
local lease, queue, worker, description = unpack(ARGV)

redis.call('ZADD', 'workers:seen', stamp(), worker)
redis.call('HSET', 'workers', worker, description)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', 'workers:seen', '-inf', now() - 60)) do
  redis.call('ZREM', 'workers:seen', gone)
  redis.call('HDEL', 'workers', gone)
end

reap(lease, 5)
return redis.call('ZCARD', 'jobs:queued') - redis.call('LLEN', queue)
