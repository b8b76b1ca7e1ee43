-- ARGV: seconds without a heartbeat after which a worker counts as gone
-- Returns the descriptions of the workers that are alive.
return alive_workers(ARGV[1])
