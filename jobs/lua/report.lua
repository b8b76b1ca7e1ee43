-- ARGV: id, fence, lease in seconds, progress or '', epoch number or '', epoch entry, checkpoint or ''
-- Renews the lease and stores what the training has reached. An epoch that is already
-- stored (the reply was lost, or a second attempt reached it again) makes no event.
-- Returns the verdict.
local id, fence, lease, progress, epoch, entry, checkpoint = unpack(ARGV)

local answer = verdict(id, fence)
if answer == 'lost' then
  return answer
end
redis.call('ZADD', 'jobs:leases', now() + lease, id)
if epoch ~= '' and redis.call('HSETNX', key_of(id), 'epoch:' .. epoch, entry) == 1 then
  redis.call('XADD', 'events:' .. id, '*', 'type', 'epoch', 'data', entry)
end
if checkpoint ~= '' and redis.call('HGET', key_of(id), 'checkpoint') ~= checkpoint then
  redis.call('HSET', key_of(id), 'checkpoint', checkpoint)
  redis.call('HDEL', key_of(id), 'deaths')
end
if progress ~= '' then
  redis.call('HSET', key_of(id), 'progress', progress)
  redis.call('XADD', 'events:' .. id, '*', 'type', 'progress', 'data', progress)
end
return answer
