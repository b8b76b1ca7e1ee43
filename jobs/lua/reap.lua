-- ARGV: queue, worker, what it says of itself, then job, fence, cause, beat of each lost job
-- Notes that the worker lives, requeues the lost jobs, and returns how many tokens the queue
-- lacks: lost messages are made up for.
local queue, worker, description = unpack(ARGV)

redis.call('ZADD', 'workers:seen', stamp(), worker)
redis.call('HSET', 'workers', worker, description)
for _, range in ipairs({ { '-inf', now() - 60 }, { now() + 60, '+inf' } }) do
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', 'workers:seen', unpack(range))) do
    redis.call('ZREM', 'workers:seen', gone)
    redis.call('HDEL', 'workers', gone)
  end
end

reap(4)
return redis.call('ZCARD', 'jobs:queued') - redis.call('LLEN', queue)
