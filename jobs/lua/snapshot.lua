-- Returns the list {key, milliseconds until it expires or -1, its serialized value}... of all keys,
-- and the names of the files of the archive, as they are at one moment: no other command runs meanwhile.
local found, cursor = {}, '0'
repeat
  local keys
  cursor, keys = unpack(redis.call('SCAN', cursor, 'COUNT', 1000))
  for _, key in ipairs(keys) do
    local value = redis.call('DUMP', key)
    if value then -- otherwise, it has just expired
      found[key] = { key, redis.call('PTTL', key), value }
    end
  end
until cursor == '0'
local list = {}
for _, entry in pairs(found) do -- SCAN may return a key twice
  list[#list + 1] = entry
end
return { list, redis.call('HKEYS', 'archive:files') }
