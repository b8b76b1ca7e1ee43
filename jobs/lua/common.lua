-- Shared by all scripts: each is one transition of a job. Redis's clock tells when it was, and decides
-- nothing: it may be set back.
--
-- job:{id}      hash: the record, the one truth about a job
-- history:{id}  list: the epochs of the job; its field history_length says how many
-- events:{id}   stream: every status, epoch and progress of the job
-- jobs:all      sorted set of all ids, by order of creation
-- jobs:status:{status}  sorted set of the ids in that state, by order of creation
-- jobs:queued   sorted set of waiting ids, by their place: the order of creation, but for those
--               whose workers die
-- jobs:leases   sorted set of running ids, all of the same score
-- workers       hash name → what the worker says of itself; workers:seen by time;
--               workers:claimed, its last claim
-- metrics       hash: what has been counted since the first job. The transition itself counts,
--               so a call that is repeated counts nothing twice

local STATUSES = { 'queued', 'running', 'succeeded', 'failed', 'cancelled' }
local EVENTS_KEPT_S = 7 * 24 * 3600
local MOST_DEATHS = 9 -- of workers, without progress in between
local PATIENT_DEATHS = 2 -- from here on the job waits behind the others
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

-- What is known of why the workers of a job died.
local function why_it_died(id)
  local times = redis.call('HGET', key_of(id), 'memory_deaths')
  if not times then
    return 'perhaps for want of memory'
  end
  return times .. (times == '1' and ' time' or ' times') .. ' killed by the kernel for want of memory'
end

-- running → queued. `cause` says how the job was lost: 'process' (its process died), 'memory'
-- (the kernel killed it, as the memory was full), 'stop' (its worker was asked to stop) or 'lease'.
-- All but a stop count as deaths. A job whose workers die again and again without progress is what
-- kills them: at first it lets the others by, in the end it fails.
local function requeue(id, cause)
  local record = redis.call('HMGET', key_of(id), 'cancel', 'model', 'sequence', 'deaths')
  if record[1] and not record[2] then
    return conclude(id, 'cancelled')
  end
  local deaths, place = tonumber(record[4] or 0), record[3]
  if cause ~= 'stop' then
    deaths = redis.call('HINCRBY', key_of(id), 'deaths', 1)
  end
  if cause == 'memory' then
    redis.call('HINCRBY', key_of(id), 'memory_deaths', 1)
  end
  if not record[2] and deaths >= MOST_DEATHS then
    redis.call('HSET', key_of(id), 'error', cjson.encode({
      type = 'about:blank', title = 'The training failed', status = 500,
      detail = 'its worker died ' .. deaths .. ' times without reaching a new checkpoint, '
        .. why_it_died(id) .. ': try smaller hidden_sizes or a smaller batch_size',
    }))
    return conclude(id, 'failed')
  end
  if deaths >= PATIENT_DEATHS then
    place = redis.call('INCR', 'jobs:sequence')
  end
  redis.call('ZREM', 'jobs:leases', id)
  redis.call('HDEL', key_of(id), 'owner')
  set_status(id, 'queued')
  redis.call('ZADD', 'jobs:queued', place, id)
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

-- Requeue lost jobs: from `first` on, ARGV has the job, fence, cause and beat of each. A beat is given
-- where a worker has seen no other for a lease's time: the job is left alone if it has another now.
local function reap(first)
  for i = first, #ARGV, 4 do
    local id, fence, cause, beat = unpack(ARGV, i, i + 3)
    local silent = beat == '' or beat == (redis.call('HGET', key_of(id), 'beat') or '0')
    if silent and verdict(id, fence) ~= 'lost' then
      requeue(id, cause)
    end
  end
end

-- What the workers that were heard of in the last seconds say of themselves. Redis's clock may have
-- been set back, so what was heard in the future says nothing.
local function alive_workers(alive_s)
  local names = redis.call('ZRANGEBYSCORE', 'workers:seen', now() - alive_s, now() + alive_s)
  return #names > 0 and redis.call('HMGET', 'workers', unpack(names)) or {}
end
