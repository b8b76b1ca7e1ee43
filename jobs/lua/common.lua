-- The keys in Redis, and functions that the scripts share; queue.lua and transitions.lua have the
-- others. Time stamps come from Redis's clock. No decision about a job depends on the clock, because
-- it may be set back.
--
-- job:{id}              hash: the record, the single source of truth about a job. Its field `kind`
--                       is 'train', 'import', 'predict' or 'sweep'; records of earlier versions have
--                       none: 'train'
-- history:{id}          list: the epochs of the job; the record's history_length counts them. Of a
--                       sweep, what it knows about each of its trials, see sweeps.lua
-- losses:{id}           list: the train losses within the epochs of the job
-- events:{id}           stream: every status, epoch, frame, loss and progress of the job
-- jobs:all              sorted set: all ids, by order of creation
-- jobs:status:{status}  sorted set: the ids with this status, by order of creation
-- jobs:queued           sorted set: the ids of the queued jobs of the class 'v1', by order of
--                       creation; a job whose workers keep dying moves to the end. Workers of
--                       version 0.2.0 claim the first of these
-- jobs:queue:{class}:{owner}  sorted set: the ids of an owner's queued jobs of a class, see
--                       queue.lua
-- jobs:turns:{class}    sorted set: the owners of the queued jobs of a class, by their turns
-- jobs:classes          hash: class → number of its queued jobs
-- jobs:owners           hash: owner → number of its queued jobs
-- jobs:served           hash: owner → its turn: the number of its last claim, among all claims
-- jobs:turn             the number of the last claim
-- jobs:sequence         the last number given to a job, which orders it in these sets
-- jobs:indexed          how far the rebuild by index.lua has come; missing if none runs
-- archive:files         hash: name → description of each file of the archive, see jobs/archive.py
-- archive:dropped:{file}  set: the ids of the jobs in a file that were deleted, or are in Redis again
-- archive:unregistered  sorted set: the names of files that are being written or that nobody needs
--                       any more, by the time since then; 0 for those that are being removed
-- archive:version       changes with every move of a job between Redis and the archive. No text comes
--                       back, so it also shows that Redis was set back
-- archived:{id}         marks an archived job while an idempotency key may name it
-- idempotency:{key}     hash: the job that a request with this key has created
-- jobs:sweeps           sorted set: the ids of all sweeps, archived or not, by order of creation
-- jobs:parked           set: the ids of the running sweeps that wait for a trial, without a worker
-- jobs:leases           sorted set: the ids of the running jobs. The score says which processes can
--                       see that of the job, see `lease_score` in jobs/running.py; 0 is unknown
-- jobs:awaited          string: written by those who wait until replicas have what they wrote
-- workers               hash: name → description of the worker
-- workers:seen          sorted set: the worker names, by time of the last heartbeat
-- workers:claimed       hash: name → last claim of the worker
-- workers:watching      sorted set: '{machine} {worker}' of those that watch the leases, by time of
--                       the last heartbeat
-- store:changes         stream: the names in the store that have changed; `jobs.changes` reads it
-- workers:draining      set: the names of the workers that take no jobs; a name is removed when the
--                       worker starts again
-- metrics               hash: the counters since the first job. The script that changes a job also
--                       changes its counters, so a repeated call counts nothing twice

local STATUSES = { 'queued', 'running', 'succeeded', 'failed', 'cancelled' }
local EVENTS_KEPT_S = 7 * 24 * 3600
local LAST_EVENT_KEPT_S = 60 -- time for open event streams to read this event
local KEYS_KEPT_S = 24 * 3600 -- idempotency keys
local MOST_DEATHS = 9 -- a job fails after this many deaths without progress
local PATIENT_DEATHS = 2 -- from this death on, the job goes to the end of the queue
local CHANGES_KEPT = 10000
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

local function losses_of(id)
  return 'losses:' .. id
end

local function archived_key(id)
  return 'archived:' .. id
end

local function dropped_of(file)
  return 'archive:dropped:' .. file
end

-- Tell whether there is a job with this id. It may be archived; if it was created more than a day
-- ago, this does not tell.
local function is_known(id)
  return redis.call('EXISTS', key_of(id), archived_key(id)) > 0
end

local function count(field, amount)
  redis.call('HINCRBYFLOAT', 'metrics', field, amount or 1)
end

-- Tell the processes that keep a list of the store that a name in it has changed.
local function announce(key)
  redis.call('XADD', 'store:changes', 'MAXLEN', '~', CHANGES_KEPT, '*', 'key', key)
end

-- Change the status of a job and move it to the sorted set of that status. Every transition uses
-- this function. Without a status, only remove the job from these sets.
local function set_status(id, status)
  for _, other in ipairs(STATUSES) do
    redis.call('ZREM', 'jobs:status:' .. other, id)
  end
  if status then
    redis.call('HSET', key_of(id), 'status', status)
    redis.call('ZADD', 'jobs:status:' .. status, redis.call('HGET', key_of(id), 'sequence'), id)
  end
end

-- Remove a finished job from Redis. `why` is the last event of streams that are still open.
local function remove(id, why)
  set_status(id, nil)
  if why == 'deleted' then
    redis.call('ZREM', 'jobs:sweeps', id)
  end
  redis.call('ZREM', 'jobs:all', id)
  redis.call('DEL', key_of(id), history_of(id), losses_of(id))
  -- Empty the stream instead of deleting it, so that the id of the next entry is higher than all
  -- ids that readers have seen.
  redis.call('XTRIM', 'events:' .. id, 'MAXLEN', 0)
  redis.call('XADD', 'events:' .. id, 'NOMKSTREAM', '*', 'type', why)
  redis.call('EXPIRE', 'events:' .. id, LAST_EVENT_KEPT_S)
end
