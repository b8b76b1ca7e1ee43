-- The trials of a sweep. They are trainings, whose records name the sweep (`sweep`), their number in
-- it (`trial`) and their parameters (`params`). The training of the winner comes after the others,
-- with the next number, and has the field `final`. history:{sweep} has an entry for each number: a
-- JSON object, which is replaced when the trial ends, and then stays even if the trial is deleted.
-- Each change of it also changes the record of the sweep, by which the archive sees it.

-- The place of the metric in the short form of an epoch, see jobs/compact.py
local METRICS = { validation_loss = 6, validation_accuracy = 7 }
local STATES = { succeeded = 'complete' }

-- Return the metric of an epoch in short form, as JSON. The number stays as it was written.
local function value_of(epoch, metric)
  return epoch:match('^%[' .. ('[^,]*,'):rep(METRICS[metric] - 1) .. '([^,%]]*)')
end

-- Return the metric after each epoch of a trial, as JSON.
local function values_of(id, metric)
  local values = {}
  for _, epoch in ipairs(redis.call('LRANGE', history_of(id), 1, -1)) do -- without epoch 0
    local value = value_of(epoch, metric)
    if value ~= 'null' then
      table.insert(values, value)
    end
  end
  return '[' .. table.concat(values, ',') .. ']'
end

-- Return the metric of a sweep.
local function metric_of(sweep)
  return cjson.decode(redis.call('HGET', key_of(sweep), 'search')).metric
end

-- Return what a sweep knows about one of its trials, as JSON.
local function entry_of(id, sweep)
  local status, params, final, pruned, model =
    unpack(redis.call('HMGET', key_of(id), 'status', 'params', 'final', 'pruned', 'model'))
  return string.format(
    '{"job":"%s","params":%s,"final":%s,"state":"%s","values":%s,"model":%s}',
    id, params, tostring(final ~= false), pruned and 'pruned' or STATES[status] or status,
    values_of(id, metric_of(sweep)), status == 'succeeded' and model and '"' .. model .. '"' or 'null'
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
  local length = redis.call('RPUSH', history_of(sweep), entry)
  redis.call('HSET', key_of(sweep), 'trials', length)
  if not redis.call('HGET', key_of(sweep), 'finished_at') then
    emit_trial(sweep, length - 1, entry)
  end
end

-- List the trials of a sweep whose ends it does not know. An entry begins with the id, and may have
-- many values behind the state.
local function unfinished_trials(sweep)
  local found = {}
  if redis.call('HGET', key_of(sweep), 'kind') == 'sweep' then
    for _, entry in ipairs(redis.call('LRANGE', history_of(sweep), 0, -1)) do
      local id, state = entry:match('^{"job":"(%x+)",.-,"final":%l+,"state":"(%l+)","values":')
      if state == 'queued' or state == 'running' then
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

-- Add the metric after a trained epoch of a trial to the events of its sweep.
local function note_epoch(id, number, epoch)
  local sweep, trial = unpack(redis.call('HMGET', key_of(id), 'sweep', 'trial'))
  if sweep and is_needed(id) then
    local value = value_of(epoch, metric_of(sweep))
    if value ~= 'null' then -- that of the winner's training is
      redis.call('XADD', 'events:' .. sweep, '*', 'type', 'value',
        'data', string.format('[%s,%d,%s]', trial, number, value))
    end
  end
end

-- Let a sweep that waits go back to the queue, to its old place.
local function wake(sweep)
  if redis.call('SREM', 'jobs:parked', sweep) == 1 then
    set_status(sweep, 'queued')
    enqueue(sweep, tonumber(redis.call('HGET', key_of(sweep), 'sequence')))
  end
end

-- Tell the sweep of a job that has ended, if it has one. If the sweep waits, it is woken; otherwise,
-- the number `ended` keeps it from waiting, see park.lua.
function note_end(id)
  local sweep, number = unpack(redis.call('HMGET', key_of(id), 'sweep', 'trial'))
  if not sweep or redis.call('LLEN', history_of(sweep)) <= tonumber(number) then
    return -- it is no trial, or its sweep has been deleted or archived
  end
  local entry = entry_of(id, sweep)
  redis.call('LSET', history_of(sweep), number, entry)
  redis.call('HINCRBY', key_of(sweep), 'ended', 1)
  if is_needed(id) then
    emit_trial(sweep, number, entry)
    wake(sweep)
  end
end
