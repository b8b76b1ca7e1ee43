-- ARGV: id
-- Deletes a finished job. Its model and the counters stay.
-- Returns 'deleted', 'unknown', or the status of a job that has not finished.
local id = ARGV[1]
local DELETED_EVENT_KEPT_S = 60 -- time for open event streams to read this event

local status = redis.call('HGET', key_of(id), 'status')
if not status then
  return 'unknown'
end
if status == 'queued' or status == 'running' then
  return status
end
set_status(id, nil)
redis.call('ZREM', 'jobs:all', id)
redis.call('DEL', key_of(id), history_of(id), losses_of(id))
-- Empty the stream instead of deleting it, so that the id of the next entry is higher than all
-- ids that readers have seen.
redis.call('XTRIM', 'events:' .. id, 'MAXLEN', 0)
redis.call('XADD', 'events:' .. id, 'NOMKSTREAM', '*', 'type', 'deleted')
redis.call('EXPIRE', 'events:' .. id, DELETED_EVENT_KEPT_S)
return 'deleted'
