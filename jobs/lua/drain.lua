-- ARGV: worker, 1 to drain it or 0 to let it take jobs again, seconds without a heartbeat after
-- which a worker counts as gone
-- A draining worker takes no job, and those that it runs go back to the queue at once: it stops
-- them when its next report finds that it has lost them.
-- Returns the description of the worker, false if no worker with this name is alive, or '' if it is
-- of version 0.2.0, whose claims would not know that it is draining.
local worker, draining, alive_s = unpack(ARGV)

local seen = tonumber(redis.call('ZSCORE', 'workers:seen', worker) or 0)
if math.abs(now() - seen) > tonumber(alive_s) then
  return false
end
local description = redis.call('HGET', 'workers', worker)
if draining == '1' then
  if not cjson.decode(description).schema then
    return ''
  end
  redis.call('SADD', 'workers:draining', worker)
  for _, id in ipairs(redis.call('ZRANGE', 'jobs:leases', 0, -1)) do
    if redis.call('HGET', key_of(id), 'worker') == worker then
      requeue(id, 'stop')
    end
  end
else
  redis.call('SREM', 'workers:draining', worker)
end
return description
