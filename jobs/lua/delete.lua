-- ARGV: id. Forgets a job that is over. What was counted stays, and its model.
-- Returns 'deleted', 'unknown', or the status of a job that is not over.
local id = ARGV[1]
local TOLD_S = 60 -- for which those who follow its events can read that it is gone

local status = redis.call('HGET', key_of(id), 'status')
if not status then
  return 'unknown'
end
if status == 'queued' or status == 'running' then
  return status
end
set_status(id, nil)
redis.call('ZREM', 'jobs:all', id)
redis.call('DEL', key_of(id), history_of(id))
-- The stream is emptied, not deleted: so its last entry comes after all that were read.
redis.call('XTRIM', 'events:' .. id, 'MAXLEN', 0)
redis.call('XADD', 'events:' .. id, 'NOMKSTREAM', '*', 'type', 'deleted')
redis.call('EXPIRE', 'events:' .. id, TOLD_S)
return 'deleted'
