-- ARGV: queue, worker, its description, then job, fence, cause, beat of each lost job
-- Stores the worker's heartbeat and requeues the lost jobs.
-- Returns {number of tokens that the queue lacks, number of queued jobs, number of jobs that this
-- worker runs, its last claim or ''}.
local queue, worker, description = unpack(ARGV)

redis.call('ZADD', 'workers:seen', stamp(), worker)
redis.call('HSET', 'workers', worker, description)
for _, range in ipairs({ { '-inf', now() - 60 }, { now() + 60, '+inf' } }) do
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', 'workers:seen', unpack(range))) do
    redis.call('ZREM', 'workers:seen', gone)
    redis.call('HDEL', 'workers', gone)
    redis.call('HDEL', 'workers:claimed', gone)
  end
end

reap(4)
local waiting, running = redis.call('ZCARD', 'jobs:queued'), 0
for _, id in ipairs(redis.call('ZRANGE', 'jobs:leases', 0, -1)) do
  running = running + (redis.call('HGET', key_of(id), 'worker') == worker and 1 or 0)
end
return {
  waiting - redis.call('LLEN', queue), waiting, running,
  redis.call('HGET', 'workers:claimed', worker) or '',
}
