-- ARGV: unique name of this attempt, seconds of its lease
-- Claims the delivery that has been due the longest, unless its host has an attempt in progress, or
-- its owner has as many as are allowed. Returns its fields as a flat list, or nil if none is found.
-- If nobody calls settle_delivery.lua before the lease ends, the delivery is due again.
local name, lease_s = unpack(ARGV)
local LOOKED_AT = 100
local ATTEMPTS_OF_OWNER = 2 -- of those in progress, so that no owner has all deliverers

local function due_at(lane)
  return tonumber(redis.call('ZSCORE', 'webhooks:lanes', lane) or math.huge)
end

-- Hosts with an attempt in progress, and the number of those of each owner.
local busy, used = {}, {}
for _, lane in ipairs(redis.call('HKEYS', 'webhooks:attempts')) do
  if due_at(lane) > now() then
    local host, owner = host_and_owner(lane)
    busy[host] = true
    used[owner] = (used[owner] or 0) + 1
  end
end

local function may_begin(lane)
  local host, owner = host_and_owner(lane)
  return due_at(lane) <= now() and not busy[host]
    and (owner == '' or (used[owner] or 0) < ATTEMPTS_OF_OWNER)
end

-- Claim the first delivery of a lane, if one is due. One whose last attempt was lost is dead.
local function claim(lane)
  redis.call('HDEL', 'webhooks:attempts', lane) -- the lease of an earlier attempt has ended
  while true do
    local id, due = unpack(redis.call('ZRANGE', due_of(lane), 0, 0, 'WITHSCORES'))
    if not id or tonumber(due) > now() then
      schedule(lane)
      return
    end
    local last = redis.call('HGET', delivery_of(id), 'until')
    if last then
      if now() >= tonumber(last) then
        redis.call('HDEL', delivery_of(id), 'until')
      end
      redis.call('HSET', 'webhooks:attempts', lane, name)
      redis.call('ZADD', 'webhooks:lanes', string.format('%.6f', now() + lease_s), lane)
      redis.call('HINCRBY', delivery_of(id), 'attempts', 1)
      return redis.call('HGETALL', delivery_of(id))
    end
    redis.call('HSET', delivery_of(id), 'error', 'the last attempt was interrupted')
    end_delivery(id, 'dead')
  end
end

-- If there is nothing to do in the lanes that are due first, others get a chance: an owner may have
-- any number of lanes.
for _, lanes in ipairs({
  redis.call('ZRANGEBYSCORE', 'webhooks:lanes', '-inf', now(), 'LIMIT', 0, LOOKED_AT),
  redis.call('ZRANDMEMBER', 'webhooks:lanes', LOOKED_AT),
}) do
  for _, lane in ipairs(lanes) do
    local found = may_begin(lane) and claim(lane)
    if found then
      return found
    end
  end
end
