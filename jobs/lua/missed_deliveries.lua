-- Begins the deliveries of jobs that workers and APIs of earlier versions have ended: these know
-- nothing of webhooks.
for _, id in ipairs(redis.call('SMEMBERS', 'webhooks:unfinished')) do
  local status = redis.call('HGET', key_of(id), 'status')
  if not status then -- deleted since
    redis.call('SREM', 'webhooks:unfinished', id)
  elseif status ~= 'queued' and status ~= 'running' then
    notify(id)
  end
end
