-- ARGV: seconds after which a worker that was not heard of is gone
-- Returns {waiting, running, age of the oldest waiting job in seconds or '', workers, metrics}.
local alive_s = unpack(ARGV)

local oldest, age = redis.call('ZRANGE', 'jobs:queued', 0, 0)[1], ''
if oldest then
  age = tostring(now() - redis.call('HGET', key_of(oldest), 'created_at'))
end
return {
  redis.call('ZCARD', 'jobs:queued'), redis.call('ZCARD', 'jobs:leases'), age,
  redis.call('ZCOUNT', 'workers:seen', now() - alive_s, '+inf'), redis.call('HGETALL', 'metrics'),
}
