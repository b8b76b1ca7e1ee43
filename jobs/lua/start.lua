-- ARGV: id, fence, device
-- Stores the device that the training runs on. Returns 'go on', 'cancel' or 'lost', as `verdict`
-- does.
local id, fence, device = unpack(ARGV)

local answer = verdict(id, fence)
if answer ~= 'lost' then
  redis.call('HSET', key_of(id), 'device', device)
  emit_status(id)
end
return answer
