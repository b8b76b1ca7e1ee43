-- ARGV: id
-- Deletes a finished job. Its model and the counters stay.
-- Returns 'deleted', 'unknown', or the status of a job that has not finished.
local id = ARGV[1]

local status = redis.call('HGET', key_of(id), 'status')
if not status then
  return 'unknown'
end
if status == 'queued' or status == 'running' then
  return status
end
remove(id, 'deleted')
return 'deleted'
