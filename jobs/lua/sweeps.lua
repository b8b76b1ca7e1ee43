-- The trials of a sweep. They are trainings, whose records name the sweep (`sweep`), their number in
-- it (`trial`) and their parameters (`params`). The training of the winner comes after the others,
-- with the next number, and has the field `final`. history:{sweep} has an entry for each number: a
-- JSON object, which is replaced when the trial ends, and then stays even if the trial is deleted.

-- The place of the metric in the short form of an epoch, see jobs/compact.py
local METRICS = { validation_loss = 6, validation_accuracy = 7 }
local STATES = { succeeded = 'complete' }

-- Return the metric after each epoch of a trial, as JSON. The numbers stay as they were written.
local function values_of(id, metric)
  local pattern, values = '^%[' .. ('[^,]*,'):rep(METRICS[metric] - 1) .. '([^,%]]*)', {}
  for _, epoch in ipairs(redis.call('LRANGE', history_of(id), 1, -1)) do -- without epoch 0
    local value = epoch:match(pattern)
    if value ~= 'null' then
      table.insert(values, value)
    end
  end
  return '[' .. table.concat(values, ',') .. ']'
end

-- Return what a sweep knows about one of its trials, as JSON.
local function entry_of(id, sweep)
  local status, params, final, pruned, model =
    unpack(redis.call('HMGET', key_of(id), 'status', 'params', 'final', 'pruned', 'model'))
  local search = cjson.decode(redis.call('HGET', key_of(sweep), 'search'))
  return string.format(
    '{"job":"%s","params":%s,"final":%s,"state":"%s","values":%s,"model":%s}',
    id, params, tostring(final ~= false), pruned and 'pruned' or STATES[status] or status,
    values_of(id, search.metric), status == 'succeeded' and model and '"' .. model .. '"' or 'null'
  )
end

-- Add an event about a trial to those of its sweep.
local function emit_trial(sweep, number, entry)
  redis.call('XADD', 'events:' .. sweep, '*', 'type', 'trial',
    'data', '{"number":' .. number .. ',' .. entry:sub(2))
end

-- Enter a new trial into its sweep; its number is the next one.
local function add_trial(sweep, id)
  local entry = entry_of(id, sweep)
  local number = redis.call('RPUSH', history_of(sweep), entry) - 1
  if not redis.call('HGET', key_of(sweep), 'finished_at') then
    emit_trial(sweep, number, entry)
  end
end

-- List the trials of a sweep that have not ended.
local function unfinished_trials(sweep)
  local found = {}
  if redis.call('HGET', key_of(sweep), 'kind') == 'sweep' then
    for _, entry in ipairs(redis.call('LRANGE', history_of(sweep), 0, -1)) do
      local id = cjson.decode(entry).job
      local status = redis.call('HGET', key_of(id), 'status')
      if status == 'queued' or status == 'running' then
        table.insert(found, id)
      end
    end
  end
  return found
end

-- Tell whether a job is a trial of a sweep that has not ended.
local function is_needed(id)
  local sweep = redis.call('HGET', key_of(id), 'sweep')
  return sweep and redis.call('EXISTS', key_of(sweep)) == 1
    and not redis.call('HGET', key_of(sweep), 'finished_at')
end

-- Tell the sweep of a job that has ended, if it has one. If the sweep waits, it goes back to the
-- queue, to its old place; otherwise, the number `ended` keeps it from waiting, see park.lua.
function note_end(id)
  local sweep, number = unpack(redis.call('HMGET', key_of(id), 'sweep', 'trial'))
  if not sweep or redis.call('LLEN', history_of(sweep)) <= tonumber(number) then
    return -- it is no trial, or its sweep has been deleted or archived
  end
  local entry = entry_of(id, sweep)
  redis.call('LSET', history_of(sweep), number, entry)
  if not is_needed(id) then
    return
  end
  emit_trial(sweep, number, entry)
  redis.call('HINCRBY', key_of(sweep), 'ended', 1)
  if redis.call('SREM', 'jobs:parked', sweep) == 1 then
    set_status(sweep, 'queued')
    enqueue(sweep, tonumber(redis.call('HGET', key_of(sweep), 'sequence')))
  end
end
