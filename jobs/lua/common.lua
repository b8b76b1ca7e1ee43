-- Shared by all scripts: each is one transition of a job, timed by Redis itself.
--
-- job:{id}      hash: the record, the one truth about a job
-- history:{id}  list: the epochs of the job; its field history_length says how many
-- events:{id}   stream: every status, epoch and progress of the job
-- jobs:all      sorted set of all ids, by order of creation
-- jobs:status:{status}  sorted set of the ids in that state, by order of creation
-- jobs:queued   sorted set of waiting ids, by order of creation
-- jobs:leases   sorted set of running ids, by the time their lease ends
-- workers       hash name → what the worker says of itself; workers:seen by time
-- metrics       hash: what has been counted since the first job. The transition itself counts,
--               so a call that is repeated counts nothing twice

local STATUSES = { 'queued', 'running', 'succeeded', 'failed', 'cancelled' }
local EVENTS_KEPT_S = 7 * 24 * 3600
local MOST_DEATHS = 9 -- of workers, between two checkpoints
local EPOCH_BOUNDS_S = { 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000 }

local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) + tonumber(time[2]) / 1e6
end

local function stamp()
  return string.format('%.6f', now())
end

local function key_of(id)
  return 'job:' .. id
end

local function history_of(id)
  return 'history:' .. id
end

local function count(field, amount)
  redis.call('HINCRBYFLOAT', 'metrics', field, amount or 1)
end

-- Tell the job's watchers what the record says now. The record travels as the flat
-- list of strings that HGETALL gives, so that no number is changed on its way. Of the history,
-- which only grows, it tells the length.
local function emit_status(id)
  redis.call('XADD', 'events:' .. id, '*', 'type', 'status',
    'record', cjson.encode(redis.call('HGETALL', key_of(id))),
    'queue_position', redis.call('ZRANK', 'jobs:queued', id) or '')
end

-- Change a job's status, and with it the sorted set that it is in: no transition does either by
-- itself. Without a status it is in none.
local function set_status(id, status)
  for _, other in ipairs(STATUSES) do
    redis.call('ZREM', 'jobs:status:' .. other, id)
  end
  if status then
    redis.call('HSET', key_of(id), 'status', status)
    redis.call('ZADD', 'jobs:status:' .. status, redis.call('HGET', key_of(id), 'sequence'), id)
  end
end

-- Any state → succeeded, failed or cancelled.
local function conclude(id, status)
  redis.call('ZREM', 'jobs:queued', id)
  redis.call('ZREM', 'jobs:leases', id)
  redis.call('HDEL', key_of(id), 'owner')
  set_status(id, status)
  redis.call('HSET', key_of(id), 'finished_at', stamp())
  count('finished:' .. status)
  emit_status(id)
  redis.call('EXPIRE', 'events:' .. id, EVENTS_KEPT_S)
end

-- running → queued, at its old place in the queue; the fence rises with the next claim. A job
-- whose workers die again and again without a new checkpoint is what kills them: it fails.
-- `cause` says how it showed that the job was lost: 'process' or 'lease'.
local function requeue(id, cause)
  local record = redis.call('HMGET', key_of(id), 'cancel', 'model')
  if record[1] and not record[2] then
    return conclude(id, 'cancelled')
  end
  if not record[2] and redis.call('HINCRBY', key_of(id), 'deaths', 1) >= MOST_DEATHS then
    redis.call('HSET', key_of(id), 'error', cjson.encode({
      type = 'about:blank', title = 'The training failed', status = 500,
      detail = 'its worker died ' .. MOST_DEATHS .. ' times without reaching a new checkpoint, '
        .. 'perhaps for want of memory: try smaller hidden_sizes or a smaller batch_size',
    }))
    return conclude(id, 'failed')
  end
  redis.call('ZREM', 'jobs:leases', id)
  redis.call('HDEL', key_of(id), 'owner')
  set_status(id, 'queued')
  redis.call('ZADD', 'jobs:queued', redis.call('HGET', key_of(id), 'sequence'), id)
  count('recoveries:' .. cause)
  emit_status(id)
end

-- What the holder of a fence may do: 'go on', 'cancel', or nothing as it lost the job.
-- Once it is decided which model is published, a cancel comes too late.
local function verdict(id, fence)
  local record = redis.call('HMGET', key_of(id), 'status', 'fence', 'cancel', 'model')
  if record[1] ~= 'running' or record[2] ~= fence then
    return 'lost'
  end
  return record[3] and not record[4] and 'cancel' or 'go on'
end

-- Requeue the jobs of owners that are known to be dead (ARGV from `first` on: job, fence, ...)
-- and of those that no longer renew. The latter is skipped while Redis has been up for less than
-- a lease: its own absence kept the owners from renewing.
local function reap(lease, first)
  for i = first, #ARGV, 2 do
    if verdict(ARGV[i], ARGV[i + 1]) ~= 'lost' then
      requeue(ARGV[i], 'process')
    end
  end
  local uptime = redis.call('INFO', 'server'):match('uptime_in_seconds:(%d+)')
  if tonumber(uptime) >= tonumber(lease) then
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'jobs:leases', '-inf', stamp())) do
      requeue(id, 'lease')
    end
  end
end
