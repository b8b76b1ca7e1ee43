-- ARGV: seconds without a heartbeat after which a worker counts as gone, then ids of jobs
-- Returns {how many queued jobs start before each of these, '' if it is not queued; the descriptions
-- of the workers that are alive; the names of the draining workers; and the number of running jobs of
-- each owner, as a flat list. All but the first are empty if none of these jobs is queued}.
local alive_s = unpack(ARGV)

settle()
local before, queued = positions({ unpack(ARGV, 2) }), false
for _, number in ipairs(before) do
  queued = queued or number ~= ''
end
local running = {}
for owner, number in pairs(queued and running_of_owners() or {}) do
  table.insert(running, owner)
  table.insert(running, number)
end
local alive = queued and alive_workers(alive_s) or {}
local draining = queued and redis.call('SMEMBERS', 'workers:draining') or {}
return { before, alive, draining, running }
