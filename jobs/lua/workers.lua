-- ARGV: seconds without a heartbeat after which a worker counts as gone
-- Returns {descriptions of the workers that are alive, names of the draining workers}.
return { alive_workers(ARGV[1]), redis.call('SMEMBERS', 'workers:draining') }
