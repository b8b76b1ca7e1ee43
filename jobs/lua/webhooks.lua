-- The deliveries of webhooks: how a job that ends tells a receiver, and what becomes of it.
--
-- webhook:{id}          hash: a delivery. Its id is that of its job, because a job ends once
-- webhooks:{state}      sorted set: the ids of the deliveries with this state, by the order in which
--                       their jobs ended, or a retry was asked for
-- webhooks:due:{lane}   sorted set: the pending deliveries of a lane, by the time of the next attempt.
--                       A lane is the deliveries to one host of one owner: '{host} {owner}', or only
--                       the host if nobody is
-- webhooks:lanes        sorted set: the lanes with pending deliveries, by the time at which the next
--                       of these may be attempted. While one is in progress, this is the end of its
--                       lease. Each host has one attempt at a time, so a slow one delays no other
-- webhooks:attempts     hash: lane → name of the attempt in progress
-- webhooks:unfinished   set: the ids of the unfinished jobs with a webhook; see
--                       missed_deliveries.lua
-- webhooks:sequence     the number of the last delivery
-- webhooks:secret       string: the secret that signs deliveries, unless a setting has one

local DELIVERY_STATES = { 'pending', 'delivered', 'dead' }
local DELIVERY_PERIOD_S = 24 * 3600 -- since the job ended or a retry was asked for
local DELIVERIES_KEPT = 1000 -- of those that are delivered, and of those that are dead

local function delivery_of(id)
  return 'webhook:' .. id
end

local function due_of(lane)
  return 'webhooks:due:' .. lane
end

-- Return the host and the owner of a lane; '' if nobody is.
local function host_and_owner(lane)
  return string.match(lane, '^(%S+) ?(.*)$')
end

-- Let a lane have its next delivery when that is due.
local function schedule(lane)
  local first = redis.call('ZRANGE', due_of(lane), 0, 0, 'WITHSCORES')
  if first[1] then
    redis.call('ZADD', 'webhooks:lanes', first[2], lane)
  else
    redis.call('ZREM', 'webhooks:lanes', lane)
  end
end

-- Change the state of a delivery. Of the finished ones, only the newest are kept.
local function set_delivery_state(id, state)
  local sequence = redis.call('HGET', delivery_of(id), 'sequence')
  for _, other in ipairs(DELIVERY_STATES) do
    redis.call('ZREM', 'webhooks:' .. other, id)
  end
  redis.call('HSET', delivery_of(id), 'state', state)
  redis.call('ZADD', 'webhooks:' .. state, sequence, id)
  if state ~= 'pending' then
    local excess = redis.call('ZRANGE', 'webhooks:' .. state, 0, -DELIVERIES_KEPT - 1)
    for _, old in ipairs(excess) do
      redis.call('DEL', delivery_of(old))
      redis.call('ZREM', 'webhooks:' .. state, old)
    end
  end
end

-- Plan the next attempt of a pending delivery.
local function plan(id, due)
  local lane = redis.call('HGET', delivery_of(id), 'lane')
  redis.call('HSET', delivery_of(id), 'due', string.format('%.6f', due))
  redis.call('ZADD', due_of(lane), string.format('%.6f', due), id)
  if redis.call('HEXISTS', 'webhooks:attempts', lane) == 0 then
    schedule(lane)
  end
end

-- Begin to deliver: a first attempt is due at once, and further ones for a day. `until` is the end of
-- this day; it is removed when the last attempt begins.
local function begin_delivery(id)
  redis.call('HSET', delivery_of(id), 'attempts', 0,
    'sequence', redis.call('INCR', 'webhooks:sequence'),
    'until', string.format('%.6f', now() + DELIVERY_PERIOD_S))
  set_delivery_state(id, 'pending')
  plan(id, now())
end

-- End a delivery.
local function end_delivery(id, state)
  redis.call('ZREM', due_of(redis.call('HGET', delivery_of(id), 'lane')), id)
  redis.call('HDEL', delivery_of(id), 'due', 'until')
  set_delivery_state(id, state)
  count('webhooks:' .. state)
end

-- Tell the receiver of a job, if it has one, that it ended.
local function notify(id)
  local job = redis.call('HMGET', key_of(id), 'webhook', 'status', 'finished_at', 'submitted_by')
  local url, status, finished_at, owner = unpack(job)
  if not url then
    return
  end
  redis.call('SREM', 'webhooks:unfinished', id)
  local host = string.lower(string.match(url, '^%a+://([^/?#]+)'))
  redis.call('HSET', delivery_of(id), 'id', id, 'url', url, 'type', 'job.' .. status,
    'lane', owner and host .. ' ' .. owner or host, 'ended_at', finished_at)
  if owner then
    redis.call('HSET', delivery_of(id), 'submitted_by', owner)
  end
  begin_delivery(id)
end
