-- ARGV: seconds after which a worker that was not heard of is gone
-- Returns what each worker that is alive says of itself.
return alive_workers(ARGV[1])
