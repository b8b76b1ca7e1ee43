-- The transitions of a job, and what follows from them.

-- Add a status event with the current record. The event holds the record as the flat list of
-- strings that HGETALL returns, so no number is rounded. The history is not copied: it only grows,
-- and the record holds its length at this event. The position in the queue, whose cost grows with the
-- number of owners, is left to those who read the event. Version 0.2.0 needs the field.
local function emit_status(id)
  redis.call('XADD', 'events:' .. id, '*', 'type', 'status',
    'record', cjson.encode(redis.call('HGETALL', key_of(id))), 'queue_position', '')
end

-- Create a job. `fields` lists names and values of the record.
local function create(id, progress, fields)
  local sequence = redis.call('INCR', 'jobs:sequence')
  redis.call('HSET', key_of(id), 'id', id, 'progress', progress, 'created_at', stamp(),
    'sequence', sequence, 'fence', 0, 'attempts', 0, unpack(fields))
  count('submitted')
  redis.call('ZADD', 'jobs:all', sequence, id)
  if redis.call('HGET', key_of(id), 'kind') == 'sweep' then
    redis.call('ZADD', 'jobs:sweeps', sequence, id)
  end
  if redis.call('HEXISTS', key_of(id), 'webhook') == 1 then
    redis.call('SADD', 'webhooks:unfinished', id)
  end
  set_status(id, 'queued')
  enqueue(id, sequence)
  emit_status(id)
end

local cancel

-- Any state → succeeded, failed or cancelled. A sweep takes its trials with it.
local function conclude(id, status)
  redis.call('SREM', 'jobs:parked', id)
  for _, trial in ipairs(unfinished_trials(id)) do
    cancel(trial)
  end
  dequeue(id, place_of(id))
  redis.call('ZREM', 'jobs:leases', id)
  redis.call('HDEL', key_of(id), 'owner')
  set_status(id, status)
  redis.call('HSET', key_of(id), 'finished_at', stamp())
  count('finished:' .. status)
  emit_status(id)
  redis.call('EXPIRE', 'events:' .. id, EVENTS_KEPT_S)
  notify(id)
  note_end(id)
end

-- Tell whether decide.lua has stored what the job publishes.
local function is_decided(id)
  local result = redis.call('HMGET', key_of(id), 'model', 'staged')
  return result[1] or result[2]
end

-- Cancel a job: at once if no worker has it. Otherwise it gets a flag, and stops when its worker reads
-- the flag; if its worker is dead, worker/reaper.py or the next claim ends the job. After decide.lua,
-- a job is not cancelled, because its result may already be visible.
-- Returns 'unknown', 'cancelled', 'flagged', or 'over' if the job has already finished.
function cancel(id)
  local status = redis.call('HGET', key_of(id), 'status')
  if not status then
    return 'unknown'
  end
  local waits = status == 'queued' or redis.call('SISMEMBER', 'jobs:parked', id) == 1
  if waits and not is_decided(id) then
    conclude(id, 'cancelled')
    return 'cancelled'
  end
  if status == 'queued' or status == 'running' then
    redis.call('HSET', key_of(id), 'cancel', 1)
    return 'flagged'
  end
  return 'over'
end

-- Say why the workers of a job died, as far as it is known.
local function why_it_died(id)
  local times = redis.call('HGET', key_of(id), 'memory_deaths')
  if not times then
    return 'perhaps because memory ran out'
  end
  return times .. (times == '1' and ' time' or ' times') .. ' because memory ran out'
end

local DEATHS = {
  train = {
    title = 'The training failed',
    when = ' without reaching a new checkpoint',
    remedy = ': try smaller hidden_sizes or a smaller batch_size',
  },
  import = {
    title = 'The import failed', when = '', remedy = ': try a smaller file, or smaller images',
  },
  predict = {
    title = 'The prediction failed', when = ' without reaching a new checkpoint',
    remedy = ': try a smaller model',
  },
  sweep = { title = 'The sweep failed', when = ' without choosing a new trial', remedy = '' },
}

-- Say that a job failed because its workers died, or were refused by the store, again and again.
local function death_of(id, deaths, refusal)
  local words = DEATHS[redis.call('HGET', key_of(id), 'kind') or 'train']
  return cjson.encode({
    type = 'about:blank', status = 500, title = words.title,
    detail = refusal
      and 'it failed ' .. deaths .. ' times' .. words.when .. ', the last time because ' .. refusal
      or 'its worker died ' .. deaths .. ' times' .. words.when .. ', ' .. why_it_died(id)
        .. words.remedy,
  })
end

-- running → queued. `cause` says how the job was lost: 'process' (its process died, or trains on
-- another device than the job requires), 'memory' (the kernel killed its process because memory ran
-- out), 'stop' (its worker shut down), 'store' (its worker could not use the store) or 'lease' (its
-- lease expired). `refusal` says why the store has refused something, nil if it did not answer. Every
-- cause except 'stop', and 'store' without a refusal, counts as a death. If a job dies again and again
-- without progress, the job itself is the likely reason. So it goes to the end of its owner's jobs
-- from its second death on, and it fails at its ninth. Until then, the job is at its old place. Its
-- owner also gets the turn back, unless the cause is 'store': the next attempt may end as soon, and
-- other owners would never have a turn.
local function requeue(id, cause, refusal)
  local record = redis.call('HMGET', key_of(id), 'cancel', 'sequence', 'deaths')
  local decided = is_decided(id)
  if record[1] and not decided then
    return conclude(id, 'cancelled')
  end
  local deaths, place = tonumber(record[3] or 0), record[2]
  if cause ~= 'stop' and (cause ~= 'store' or refusal) then
    deaths = redis.call('HINCRBY', key_of(id), 'deaths', 1)
  end
  if cause == 'memory' then
    redis.call('HINCRBY', key_of(id), 'memory_deaths', 1)
  end
  if not decided and deaths >= MOST_DEATHS then
    redis.call('HSET', key_of(id), 'error', death_of(id, deaths, refusal))
    return conclude(id, 'failed')
  end
  if deaths >= PATIENT_DEATHS then
    place = redis.call('INCR', 'jobs:sequence')
  elseif cause ~= 'store' then
    give_turn_back(id)
  end
  redis.call('ZREM', 'jobs:leases', id)
  redis.call('HDEL', key_of(id), 'owner')
  set_status(id, 'queued')
  enqueue(id, tonumber(place))
  count('recoveries:' .. cause)
  emit_status(id)
end

-- Tell the worker that has claimed a job what to do: 'go on', 'cancel', or 'lost' if the job is no
-- longer its own. After decide.lua, a running job cannot be cancelled.
local function verdict(id, fence)
  local record = redis.call('HMGET', key_of(id), 'status', 'fence', 'cancel')
  if record[1] ~= 'running' or record[2] ~= fence then
    return 'lost'
  end
  return record[3] and not is_decided(id) and 'cancel' or 'go on'
end

-- Requeue lost jobs. From index `first` on, ARGV lists the job, fence, cause and beat of each. If
-- the lease expired, the beat is the last one that the reaper saw; otherwise it is empty. If the job
-- has another beat now, its worker is alive, and the job keeps running.
local function reap(first)
  for i = first, #ARGV, 4 do
    local id, fence, cause, beat = unpack(ARGV, i, i + 3)
    local silent = beat == '' or beat == (redis.call('HGET', key_of(id), 'beat') or '0')
    if silent and verdict(id, fence) ~= 'lost' then
      requeue(id, cause)
    end
  end
end

-- List the descriptions of the workers with a heartbeat in the last `alive_s` seconds. Heartbeats
-- further in the future are ignored: they were sent before Redis's clock was set back.
local function alive_workers(alive_s)
  local names = redis.call('ZRANGEBYSCORE', 'workers:seen', now() - alive_s, now() + alive_s)
  return #names > 0 and redis.call('HMGET', 'workers', unpack(names)) or {}
end
