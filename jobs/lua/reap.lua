-- ARGV: queue, worker, its description, its machine, then job, fence, cause, beat of each lost job
-- Stores the worker's heartbeat and requeues the lost jobs.
-- Returns {for each class: its name, the number of its queued jobs whose owner may run one more, and
-- the number of tokens that its queue lacks, see jobs/queue.py; 1 if this worker runs the job of its
-- last claim or 0; its last claim or ''; 1 if it is draining or 0; 1 if it watches the leases or 0}.
local queue, worker, description, machine = unpack(ARGV)
local WATCHERS = 8 -- a watcher reads the beats of all running jobs every second
local WATCHERS_OF_ONE = 4 -- if one machine is lost, those of the others go on counting
local SILENT_S = 2 -- a watcher that has sent no heartbeat for so long has lost its place

-- Tell whether this worker is, or now becomes, one of those that watch the leases. The clock only
-- decides who watches: a lease expires when a watcher has found its beat unchanged again and again.
local function watches()
  local others, of_this_machine, name = 0, 0, machine .. ' ' .. worker
  redis.call('ZREMRANGEBYSCORE', 'workers:watching', '-inf', now() - SILENT_S)
  redis.call('ZREMRANGEBYSCORE', 'workers:watching', now() + SILENT_S, '+inf')
  for _, other in ipairs(redis.call('ZRANGE', 'workers:watching', 0, -1)) do
    if other ~= name then
      others = others + 1
      if other:sub(1, #machine + 1) == machine .. ' ' then
        of_this_machine = of_this_machine + 1
      end
    end
  end
  if not redis.call('ZSCORE', 'workers:watching', name)
    and (others >= WATCHERS or of_this_machine >= WATCHERS_OF_ONE) then
    return 0
  end
  redis.call('ZADD', 'workers:watching', stamp(), name)
  return 1
end

-- Tell whether a worker still runs the job of a claim.
local function runs(claim)
  local id, fence = claim:match('^(.*):(%d+)$')
  return id ~= nil and verdict(id, fence) ~= 'lost'
end

-- Return the last claim of this worker, or '' if there is none. A reaper of version 0.2.0 removes that
-- of a worker which it has not seen for 60 s, even if the worker still runs the job.
local function last_claim()
  local claim = redis.call('HGET', 'workers:claimed', worker)
  if claim then
    return claim
  end
  claim = ''
  for _, id in ipairs(redis.call('ZRANGE', 'jobs:leases', 0, -1)) do
    local record = redis.call('HMGET', key_of(id), 'worker', 'fence')
    claim = record[1] == worker and id .. ':' .. record[2] or claim
  end
  redis.call('HSET', 'workers:claimed', worker, claim) -- so nobody searches again
  return claim
end

-- Do what version 0.2.0 leaves undone if it ends a running trial, or cancels or deletes what it does
-- not know to be a sweep or a trial: a sweep must not wait for ever.
local function look_after_parked()
  for _, sweep in ipairs(redis.call('SMEMBERS', 'jobs:parked')) do
    if redis.call('HGET', key_of(sweep), 'cancel') then
      cancel(sweep)
    else
      local trials, waits = unfinished_trials(sweep), false
      for _, trial in ipairs(trials) do
        local status, ended = unpack(redis.call('HMGET', key_of(trial), 'status', 'finished_at'))
        if ended then
          note_end(trial)
        end
        waits = waits or status and not ended
      end
      if not waits then
        wake(sweep)
      end
    end
  end
end

redis.call('ZADD', 'workers:seen', stamp(), worker)
redis.call('HSET', 'workers', worker, description)
for _, range in ipairs({ { '-inf', now() - 60 }, { now() + 60, '+inf' } }) do
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', 'workers:seen', unpack(range))) do
    -- After an outage of Redis, a worker whose job runs may only be late.
    if not runs(redis.call('HGET', 'workers:claimed', gone) or '') then
      redis.call('ZREM', 'workers:seen', gone)
      redis.call('HDEL', 'workers', gone)
      redis.call('HDEL', 'workers:claimed', gone)
    end
  end
end

reap(5)
local watching = watches()
if watching == 1 then -- so that many workers do not read the trials of each sweep every second
  look_after_parked()
end
local claimed, queues = last_claim(), {}
local _, most = capabilities(worker)
local capped = capped_owners(most)
for class, number in pairs(settle()) do
  for owner in pairs(capped) do
    number = number - redis.call('ZCARD', queue_of(class, owner))
  end
  local tokens = redis.call('LLEN', queue .. (class == FIRST_CLASS and '' or '.' .. class))
  table.insert(queues, { class, number, number - tokens })
end
return {
  queues, runs(claimed) and 1 or 0, claimed,
  redis.call('SISMEMBER', 'workers:draining', worker), watching,
}
