-- ARGV: seconds after which a worker that was not heard of is gone
-- Returns what each worker that is alive says of itself.
local names = alive_workers(ARGV[1])
return #names > 0 and redis.call('HMGET', 'workers', unpack(names)) or {}
