-- The order of the queued jobs.
--
-- The *class* of a job says which workers may run it: its schema version and what it requires, see
-- jobs/routing.py. The *owner* of a job is who submitted it; all jobs without an owner count as
-- those of the owner ''. Owners take turns: next is the owner whose last claim is the longest ago.
-- An owner without any claim comes before them, those of the oldest jobs first. Among the jobs of
-- an owner, the highest priority is next, then the lowest place: the sequence number of the job. A
-- job whose workers keep dying moves to the end of its owner's jobs: it gets a later place, and the
-- lowest priority of them.
--
-- Every script that reads the queue first calls `settle`.

local FIRST_CLASS = 'v1' -- the jobs that workers of version 0.2.0 understand
local RANK = 2 ^ 44 -- above every place, so that a score is exact: a rank, then a place
local INDEXED = 2 ^ 52 -- subtracted from the scores in jobs:queued, see `settle`

local function queue_of(class, owner)
  return 'jobs:queue:' .. class .. ':' .. owner
end

local function turns_of(class)
  return 'jobs:turns:' .. class
end

-- Read a hash of numbers.
local function numbers(key)
  local flat, found = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do
    found[flat[i]] = tonumber(flat[i + 1])
  end
  return found
end

-- Add to a number of a hash, and remove it if it becomes 0.
local function add(key, field, amount)
  if redis.call('HINCRBY', key, field, amount) == 0 then
    redis.call('HDEL', key, field)
  end
end

-- Return the class and the owner of a job.
local function place_of(id)
  local class, owner = unpack(redis.call('HMGET', key_of(id), 'class', 'submitted_by'))
  return class or FIRST_CLASS, owner or ''
end

-- Set the turn of an owner: the number of its last claim.
local function set_turn(owner, turn)
  redis.call('HSET', 'jobs:served', owner, turn)
  for _, class in ipairs(redis.call('HKEYS', 'jobs:classes')) do
    redis.call('ZADD', turns_of(class), 'XX', turn, owner)
  end
end

-- Return the rank of an owner's last job in the queue; a rank is a negated priority.
local function last_rank(owner)
  local last = -100
  for _, class in ipairs(redis.call('HKEYS', 'jobs:classes')) do
    local score = redis.call('ZRANGE', queue_of(class, owner), -1, -1, 'WITHSCORES')[2]
    last = math.max(last, score and math.floor(tonumber(score) / RANK) or last)
  end
  return last
end

-- Add a job to the queue; `place` is a number.
local function enqueue(id, place)
  local class, owner = place_of(id)
  local deaths, priority = unpack(redis.call('HMGET', key_of(id), 'deaths', 'priority'))
  local rank = -tonumber(priority or 0)
  if tonumber(deaths or 0) >= PATIENT_DEATHS then
    rank = math.max(rank, last_rank(owner))
  end
  if redis.call('ZADD', queue_of(class, owner), rank * RANK + place, id) == 1 then
    add('jobs:classes', class, 1)
    add('jobs:owners', owner, 1)
  end
  redis.call('HSETNX', 'jobs:served', owner, place - INDEXED)
  redis.call('ZADD', turns_of(class), redis.call('HGET', 'jobs:served', owner), owner)
  if class == FIRST_CLASS then
    redis.call('ZADD', 'jobs:queued', place - INDEXED, id)
  else -- version 0.2.0 has requeued it, but must not claim it
    redis.call('ZREM', 'jobs:queued', id)
  end
end

-- Remove a job from the queue, if it is there.
local function dequeue(id, class, owner)
  redis.call('ZREM', 'jobs:queued', id)
  if redis.call('ZREM', queue_of(class, owner), id) == 1 then
    add('jobs:classes', class, -1)
    add('jobs:owners', owner, -1)
    if redis.call('EXISTS', queue_of(class, owner)) == 0 then
      redis.call('ZREM', turns_of(class), owner)
    end
  end
end

-- Return the number of queued jobs of each class, and of all.
local function count_queued()
  local classes, total = numbers('jobs:classes'), 0
  for _, number in pairs(classes) do
    total = total + number
  end
  return classes, total
end

local note_end -- see sweeps.lua

-- Remove the jobs that an earlier version has claimed or cancelled. It knows of no sweep that waits.
local function remove_stale()
  for _, class in ipairs(redis.call('HKEYS', 'jobs:classes')) do
    for _, owner in ipairs(redis.call('ZRANGE', turns_of(class), 0, -1)) do
      for _, id in ipairs(redis.call('ZRANGE', queue_of(class, owner), 0, -1)) do
        if redis.call('HGET', key_of(id), 'status') ~= 'queued' then
          dequeue(id, class, owner)
          if redis.call('HGET', key_of(id), 'finished_at') then
            note_end(id)
          end
        end
      end
    end
  end
end

-- Take over what version 0.2.0 has changed. It knows only jobs:queued: the scores of the jobs that it
-- adds are positive, while `enqueue` adds negative ones, and the jobs that it removes are missing.
-- Return the same as `count_queued`.
local function settle()
  local added = redis.call('ZRANGEBYSCORE', 'jobs:queued', 0, '+inf', 'WITHSCORES')
  for i = 1, #added, 2 do
    set_status(added[i], 'queued')
    enqueue(added[i], tonumber(added[i + 1]))
  end
  local classes, total = count_queued()
  if (classes[FIRST_CLASS] or 0) > redis.call('ZCARD', 'jobs:queued')
    or total > redis.call('ZCARD', 'jobs:status:queued') then
    remove_stale()
    return count_queued()
  end
  return classes, total
end

-- Return what the last heartbeat of a worker says: the classes that it takes, as a list, and how
-- many jobs of one owner may run before it takes no further one. 0 is no limit.
local function capabilities(worker)
  local description = redis.call('HGET', 'workers', worker)
  local about = description and cjson.decode(description) or {}
  return about.classes or { FIRST_CLASS }, about.owner_running or 0
end

-- Count the running jobs of each owner.
local function running_of_owners()
  local running = {}
  for _, id in ipairs(redis.call('ZRANGE', 'jobs:leases', 0, -1)) do
    local _, owner = place_of(id)
    running[owner] = (running[owner] or 0) + 1
  end
  return running
end

-- Return the set of the owners that already run the most jobs of one owner, and their number.
local function capped_owners(most)
  local capped, total = {}, 0
  for owner, number in pairs(most > 0 and running_of_owners() or {}) do
    if number >= most then
      capped[owner], total = true, total + 1
    end
  end
  return capped, total
end

-- Return the id, class and owner of the job that a worker runs next, or nil if there is none for it.
local function next_job(worker)
  local queued, best, turn = settle(), nil, nil
  local classes, most = capabilities(worker)
  local capped, skipped = capped_owners(most)
  for _, class in ipairs(classes) do
    local owners = queued[class]
      and redis.call('ZRANGE', turns_of(class), 0, skipped, 'WITHSCORES') or {}
    for i = 1, #owners, 2 do
      local owner, its = owners[i], tonumber(owners[i + 1])
      if not capped[owner] and (not turn or its < turn) then
        best, turn = owner, its
      end
    end
  end
  local job, class_of_job, lowest
  for _, class in ipairs(best and classes or {}) do
    local id, score = unpack(queued[class]
      and redis.call('ZRANGE', queue_of(class, best), 0, 0, 'WITHSCORES') or {})
    if id and (not lowest or tonumber(score) < lowest) then
      job, class_of_job, lowest = id, class, tonumber(score)
    end
  end
  return job, class_of_job, best
end

-- Take the next job of a worker out of the queue, and return its id, or nil if there is none.
local function take_job(worker)
  local id, class, owner = next_job(worker)
  while id and redis.call('HGET', key_of(id), 'status') ~= 'queued' do -- an earlier version has it
    dequeue(id, class, owner)
    id, class, owner = next_job(worker)
  end
  if id then
    local before, turn = redis.call('HGET', 'jobs:served', owner), redis.call('INCR', 'jobs:turn')
    redis.call('HSET', key_of(id), 'turn', before, 'claim_turn', turn)
    dequeue(id, class, owner)
    set_turn(owner, turn)
  end
  return id
end

-- Undo the turn of a job's last claim, unless its owner has had another turn since.
local function give_turn_back(id)
  local _, owner = place_of(id)
  local before, turn = unpack(redis.call('HMGET', key_of(id), 'turn', 'claim_turn'))
  if turn and turn == redis.call('HGET', 'jobs:served', owner) then
    set_turn(owner, before)
  end
end

-- Count the queued jobs that start before each of these if a single worker takes all jobs: a list of
-- numbers, '' for jobs that are not queued. With r jobs of its owner before it, r jobs of each other
-- owner start before it, and one more if that owner has its turn earlier.
local function positions(ids)
  local found, classes, owners, served = {}, nil, nil, nil
  for i, id in ipairs(ids) do
    local class, owner = place_of(id)
    local score = redis.call('ZSCORE', queue_of(class, owner), id)
    found[i] = ''
    if score then
      if not classes then
        classes = redis.call('HKEYS', 'jobs:classes')
        owners, served = numbers('jobs:owners'), numbers('jobs:served')
      end
      local own = 0
      for _, one in ipairs(classes) do
        own = own + redis.call('ZCOUNT', queue_of(one, owner), '-inf', '(' .. score)
      end
      local before = own
      for other, number in pairs(owners) do
        local first = served[other] < served[owner]
          or served[other] == served[owner] and other < owner
        if other ~= owner then
          before = before + math.min(number, own + (first and 1 or 0))
        end
      end
      found[i] = before
    end
  end
  return found
end
