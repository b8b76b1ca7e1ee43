-- ARGV: file of the archive, id of a job in it, its record, its history, its losses and its events as
-- JSON; an event is a list of its id and its fields, as a flat list; the new archive:version
-- Moves a job from the archive back to Redis, so that it can be changed.
-- Does nothing if the job is no longer in this file.
local file, id, record, history, losses, events, version = unpack(ARGV)

if redis.call('HEXISTS', 'archive:files', file) == 0
  or redis.call('SISMEMBER', dropped_of(file), id) == 1 then
  return
end
redis.call('SADD', dropped_of(file), id)
redis.call('DEL', archived_key(id), 'events:' .. id)
record = cjson.decode(record)
for name, value in pairs(record) do
  redis.call('HSET', key_of(id), name, value)
end
redis.call('ZADD', 'jobs:all', record.sequence, id)
set_status(id, record.status)
for _, epoch in ipairs(cjson.decode(history)) do
  redis.call('RPUSH', history_of(id), epoch)
end
for _, loss in ipairs(cjson.decode(losses)) do
  redis.call('RPUSH', losses_of(id), loss)
end
local expires_at = tonumber(record.finished_at) + EVENTS_KEPT_S
if expires_at > now() then
  for _, event in ipairs(cjson.decode(events)) do
    redis.call('XADD', 'events:' .. id, event[1], unpack(event[2]))
  end
  redis.call('EXPIREAT', 'events:' .. id, string.format('%d', expires_at))
end
redis.call('SET', 'archive:version', version)
