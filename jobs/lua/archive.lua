-- ARGV: name of a new file, its description, number of files whose jobs it also has, then for each of
-- them its name and the number of its dropped jobs; then for each job in Redis that it has, the id,
-- the names of all fields of the record as JSON, and the SHA-1 of their values, each followed by a
-- zero byte
-- Without a description, there is no new file, because no job of the others counts any more.
-- Registers the file in place of the others, and removes the jobs from Redis. A job that has changed
-- meanwhile stays there, and is dropped from the file. The name is in archive:unregistered until then,
-- and stays there if the file is of no use, because others have been faster. So the file is removed
-- then, or if the worker dies.
-- Returns the number of removed jobs. A repeated call changes nothing.
local name, description, replaced = unpack(ARGV)
local first = 4 + 2 * tonumber(replaced)

local function is_unchanged(id, names, digest)
  names = cjson.decode(names)
  if redis.call('HLEN', key_of(id)) ~= #names then
    return false
  end
  local values = redis.call('HMGET', key_of(id), unpack(names))
  for _, value in ipairs(values) do
    if not value then
      return false
    end
  end
  return redis.sha1hex(table.concat(values, '\0') .. '\0') == digest
end

-- Leave the file to the search for files that are not needed. Its name may no longer be there.
local function leave()
  redis.call('ZADD', 'archive:unregistered', stamp(), name)
  return 0
end

if redis.call('HEXISTS', 'archive:files', name) == 1 then -- the reply to the first call was lost
  local removed = 0
  for i = first, #ARGV, 3 do
    removed = removed + 1 - redis.call('SISMEMBER', dropped_of(name), ARGV[i])
  end
  return removed
end
if tonumber(redis.call('ZSCORE', 'archive:unregistered', name) or 0) == 0 then -- being removed
  return leave()
end
for i = 4, first - 1, 2 do
  if redis.call('HEXISTS', 'archive:files', ARGV[i]) == 0
    or redis.call('SCARD', dropped_of(ARGV[i])) ~= tonumber(ARGV[i + 1]) then
    return leave()
  end
end
local unchanged, changed = {}, {}
for i = first, #ARGV, 3 do
  table.insert(is_unchanged(unpack(ARGV, i, i + 2)) and unchanged or changed, ARGV[i])
end
if #unchanged == 0 and replaced == '0' then
  return leave()
end
redis.call('ZREM', 'archive:unregistered', name)
for i = 4, first - 1, 2 do
  redis.call('HDEL', 'archive:files', ARGV[i])
  redis.call('DEL', dropped_of(ARGV[i]))
  redis.call('ZADD', 'archive:unregistered', stamp(), ARGV[i])
end
if description ~= '' then
  redis.call('HSET', 'archive:files', name, description)
end
for _, id in ipairs(changed) do
  redis.call('SADD', dropped_of(name), id)
end
for _, id in ipairs(unchanged) do
  local age = now() - tonumber(redis.call('HGET', key_of(id), 'created_at'))
  remove(id, 'archived')
  if age < KEYS_KEPT_S then
    redis.call('SET', archived_key(id), name, 'EX', KEYS_KEPT_S)
  end
end
redis.call('SET', 'archive:version', name)
return #unchanged
