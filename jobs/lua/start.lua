-- ARGV: id, fence, device. Notes where the training runs. Returns the verdict.
local id, fence, device = unpack(ARGV)

local answer = verdict(id, fence)
if answer ~= 'lost' then
  redis.call('HSET', key_of(id), 'device', device)
  emit_status(id)
end
return answer
