-- ARGV: id, name of the attempt, its outcome, status of the response or '', what went wrong or '',
-- seconds until the next attempt
-- Ends an attempt. The outcome is 'delivered', 'failed', or 'refused' if there should be no further one.
-- Returns the state of the delivery, or 'lost' if the lease of the attempt has ended meanwhile.
local id, name, outcome, status, problem, delay_s = unpack(ARGV)

local lane, last = unpack(redis.call('HMGET', delivery_of(id), 'lane', 'until'))
if not lane or redis.call('HGET', 'webhooks:attempts', lane) ~= name then
  return 'lost'
end
redis.call('HDEL', 'webhooks:attempts', lane)
redis.call('HSET', delivery_of(id), 'attempted_at', stamp(), 'status', status, 'error', problem)
if outcome == 'delivered' then
  end_delivery(id, 'delivered')
else
  count('webhooks:failed')
  if outcome == 'refused' or not last or now() >= tonumber(last) then
    end_delivery(id, 'dead')
  else
    plan(id, math.min(now() + delay_s, tonumber(last)))
  end
end
schedule(lane)
return redis.call('HGET', delivery_of(id), 'state')
