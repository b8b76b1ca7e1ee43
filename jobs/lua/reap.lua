-- ARGV: queue, worker, its description, then job, fence, cause, beat of each lost job
-- Stores the worker's heartbeat and requeues the lost jobs.
-- Returns {for each class: its name, the number of its queued jobs whose owner may run one more, and
-- the number of tokens that its queue lacks, see jobs/queue.py; number of jobs that this worker runs;
-- its last claim or ''; 1 if it is draining or 0}.
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
local running, queues = 0, {}
for _, id in ipairs(redis.call('ZRANGE', 'jobs:leases', 0, -1)) do
  running = running + (redis.call('HGET', key_of(id), 'worker') == worker and 1 or 0)
end
local _, most = capabilities(worker)
local capped = capped_owners(most)
for class, number in pairs(settle()) do
  for owner in pairs(capped) do
    number = number - redis.call('ZCARD', queue_of(class, owner))
  end
  local tokens = redis.call('LLEN', queue .. (class == FIRST_CLASS and '' or '.' .. class))
  table.insert(queues, { class, number, number - tokens })
end
return {
  queues, running, redis.call('HGET', 'workers:claimed', worker) or '',
  redis.call('SISMEMBER', 'workers:draining', worker),
}
