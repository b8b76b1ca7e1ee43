-- ARGV: unique name of this attempt, seconds of its lease
-- Claims the delivery that has been due the longest, among the hosts without an attempt in progress.
-- Returns the fields of the delivery as a flat list, or nil if none is due. If nobody calls
-- attempted.lua before the lease ends, the delivery is due again.
local name, lease_s = unpack(ARGV)

while true do
  local host = redis.call('ZRANGEBYSCORE', 'webhooks:hosts', '-inf', now(), 'LIMIT', 0, 1)[1]
  if not host then
    return
  end
  local first = redis.call('ZRANGE', due_of(host), 0, 0, 'WITHSCORES')
  if first[1] and tonumber(first[2]) <= now() then
    redis.call('HSET', 'webhooks:attempts', host, name)
    redis.call('ZADD', 'webhooks:hosts', string.format('%.6f', now() + lease_s), host)
    redis.call('HINCRBY', delivery_of(first[1]), 'attempts', 1)
    return redis.call('HGETALL', delivery_of(first[1]))
  end
  redis.call('HDEL', 'webhooks:attempts', host) -- the lease of another delivery has ended
  schedule_host(host)
end
