-- ARGV: id, fence, status, error or '', then names and values of fields
-- running → succeeded, failed or cancelled. Returns 'finished', or 'lost' if the fence is stale.
local id, fence, status, problem = unpack(ARGV)

local record = redis.call('HMGET', key_of(id), 'status', 'fence')
if record[2] == fence and record[1] == status then
  return 'finished' -- the reply to the first call was lost
end
local answer = verdict(id, fence)
if answer == 'lost' then
  return 'lost'
end
if answer == 'cancel' then
  status, problem = 'cancelled', '' -- also if it failed before it could read the flag
end
if problem ~= '' then
  redis.call('HSET', key_of(id), 'error', problem)
end
if #ARGV > 4 then
  redis.call('HSET', key_of(id), unpack(ARGV, 5))
end
conclude(id, status)
if status == 'succeeded' then
  local model, dataset = unpack(redis.call('HMGET', key_of(id), 'model', 'dataset'))
  if model then
    announce('models/' .. model)
  elseif dataset then
    announce('datasets/' .. dataset)
  end
end
return 'finished'
