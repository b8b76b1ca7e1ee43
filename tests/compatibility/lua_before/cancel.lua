-- ARGV: id
-- Cancels a job. A queued job ends at once. A running job gets a flag, and stops when its worker
-- reads the flag; if its worker is dead, worker/reaper.py or the next claim ends the job. After
-- decide.lua, a job is not cancelled, because its result may already be visible.
-- Returns 'unknown', 'cancelled', 'flagged', or 'over' if the job has already finished.
local id = ARGV[1]

local status = redis.call('HGET', key_of(id), 'status')
if not status then
  return 'unknown'
end
if status == 'queued' and not is_decided(id) then
  conclude(id, 'cancelled')
  return 'cancelled'
end
if status == 'queued' or status == 'running' then
  redis.call('HSET', key_of(id), 'cancel', 1)
  return 'flagged'
end
return 'over'
