-- ARGV: id
-- Deletes a finished job. Its model and the counters stay.
-- Returns 'deleted', 'unknown', the status of a job that has not finished, or 'needed' for a trial
-- whose sweep has not.
local id = ARGV[1]

local status = redis.call('HGET', key_of(id), 'status')
if not status then
  return 'unknown'
end
if status == 'queued' or status == 'running' then
  return status
end
if is_needed(id) then
  return 'needed'
end
remove(id, 'deleted')
return 'deleted'
