-- ARGV: sweep, number of the training among its trials, id, progress, then names and values of fields
-- Creates the training of the winner of a sweep that has ended.
-- Returns 'created', 'unknown', 'again' if the sweep has another number of trials by now, or the
-- status of a sweep that has not ended.
local sweep, number, id, progress = unpack(ARGV)

local status = redis.call('HGET', key_of(sweep), 'status')
if not status then
  return 'unknown'
end
if status == 'queued' or status == 'running' then
  return status
end
if is_known(id) then -- the reply to the first call was lost
  return 'created'
end
if redis.call('LLEN', history_of(sweep)) ~= tonumber(number) then
  return 'again'
end
create(id, progress, { unpack(ARGV, 5) })
add_trial(sweep, id)
return 'created'
