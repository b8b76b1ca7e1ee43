-- ARGV: id, model or '', then names and values of labels
-- Changes labels of a job whose model, once it has succeeded, is the given one.
-- Returns 'changed', 'unknown', 'publishing' (the job may be copying its labels to its model), or
-- 'other' if the job has another model, or none.
local id, model = unpack(ARGV)

local status, decided = unpack(redis.call('HMGET', key_of(id), 'status', 'model'))
if not status then
  return 'unknown'
end
local over = status ~= 'queued' and status ~= 'running'
if decided and not over then
  return 'publishing'
end
if (status == 'succeeded' and decided or '') ~= model then
  return 'other'
end
redis.call('HSET', key_of(id), unpack(ARGV, 3))
local last = redis.call('XREVRANGE', 'events:' .. id, '+', '-', 'COUNT', 1)[1]
if last then -- otherwise the events have expired
  if over then -- no event follows the final status, so this one takes its place
    redis.call('XDEL', 'events:' .. id, last[1])
  end
  emit_status(id)
end
return 'changed'
