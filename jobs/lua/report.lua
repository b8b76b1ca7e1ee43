-- ARGV: id, fence, number of this report, progress, its short form (jobs/compact.py; unless it is a
-- training, the same JSON object), epoch in short form, checkpoint, number of losses, losses in short
-- form..., frames in short form...
-- The progress, the epoch and the checkpoint may be ''.
-- Renews the lease, and stores what is given. The numbers of a claim's reports increase. A report
-- whose number is smaller than the last one changes nothing: it is a copy, which the worker repeated
-- when the connection broke, and which the network has delivered late.
-- A loss, a frame or an epoch that is already stored adds no event: the reply to an earlier call was
-- lost, or a later attempt trained these samples again.
-- Returns 'go on', 'cancel' or 'lost', as `verdict` does.
local id, fence, report, progress, progress_event, epoch, checkpoint, losses = unpack(ARGV)
local first_frame = 9 + tonumber(losses)

-- Tell whether an epoch is not stored yet. Earlier versions stored epochs as fields of the record.
local function is_new(number)
  local last = redis.call('LINDEX', history_of(id), -1)
  return (not last or number > cjson.decode(last)[1])
    and redis.call('HEXISTS', key_of(id), 'epoch:' .. number) == 0
end

-- Count a trained epoch: its seconds (also as a histogram), its samples and its samples per second.
local function count_epoch(seconds)
  local record = redis.call('HMGET', key_of(id), 'recipe', 'progress')
  local job = cjson.decode(record[2])
  local field = 'epochs:' .. cjson.decode(record[1]).engine .. ':'
  local samples = job.samples_total / job.epochs
  count(field .. 'seconds', seconds)
  count(field .. 'samples', samples)
  for _, bound in ipairs(EPOCH_BOUNDS_S) do
    count(field .. 'le:' .. bound, seconds <= bound and 1 or 0)
  end
  count(field .. 'le:+Inf')
  if seconds > 0 then
    redis.call('HSET', 'metrics', field .. 'pace', samples / seconds)
  end
end

-- Tell whether a checkpoint is from a later point of the training than another one. A name starts
-- with the number of finished epochs and the number of samples trained in the next epoch. The rest
-- of the name is ignored, because it differs between attempts.
local function is_beyond(checkpoint, other)
  local epochs, samples = checkpoint:match('^e(%d+)-s(%d+)')
  local other_epochs, other_samples = other:match('^e(%d+)-s(%d+)')
  if epochs ~= other_epochs then
    return tonumber(epochs) > tonumber(other_epochs)
  end
  return tonumber(samples) > tonumber(other_samples)
end

local answer = verdict(id, fence)
local beat = tonumber(redis.call('HGET', key_of(id), 'beat') or 0)
if answer == 'lost' or tonumber(report) < beat then
  return answer
end
redis.call('HSET', key_of(id), 'beat', report)
for i = 9, first_frame - 1 do
  local last = redis.call('LINDEX', losses_of(id), -1)
  if not last or cjson.decode(ARGV[i])[1] > cjson.decode(last)[1] then
    redis.call('RPUSH', losses_of(id), ARGV[i])
    redis.call('XADD', 'events:' .. id, '*', 'type', 'loss', 'data', ARGV[i])
  end
end
for i = first_frame, #ARGV do
  local step = cjson.decode(ARGV[i])[1]
  if step > tonumber(redis.call('HGET', key_of(id), 'frame') or -1) then
    redis.call('HSET', key_of(id), 'frame', step)
    redis.call('XADD', 'events:' .. id, '*', 'type', 'frame', 'data', ARGV[i])
  end
end
if epoch ~= '' then
  local number, _, _, _, seconds = unpack(cjson.decode(epoch))
  if is_new(number) then
    local length = redis.call('RPUSH', history_of(id), epoch)
    redis.call('HSET', key_of(id), 'history_length', length)
    redis.call('XADD', 'events:' .. id, '*', 'type', 'epoch', 'data', epoch)
    if number > 0 then
      count_epoch(seconds)
      note_epoch(id, number, epoch)
    end
  end
end
if checkpoint ~= '' then
  redis.call('HSET', key_of(id), 'checkpoint', checkpoint)
  local furthest = redis.call('HGET', key_of(id), 'furthest') or 'e0-s0'
  if is_beyond(checkpoint, furthest) then
    redis.call('HSET', key_of(id), 'furthest', checkpoint)
    redis.call('HDEL', key_of(id), 'deaths', 'memory_deaths')
  end
end
if progress ~= '' then
  redis.call('HSET', key_of(id), 'progress', progress)
  redis.call('XADD', 'events:' .. id, '*', 'type', 'progress', 'data', progress_event)
end
return answer
