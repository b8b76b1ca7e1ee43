-- ARGV: a time, then the names of files of the archive that were removed
-- Forgets these names, and returns those of the files that have not been needed since before this
-- time. None of them can be registered any more.
local before = ARGV[1]

for i = 2, #ARGV do
  if tonumber(redis.call('ZSCORE', 'archive:unregistered', ARGV[i]) or 1) == 0 then
    redis.call('ZREM', 'archive:unregistered', ARGV[i])
  end
end
local names = {}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', 'archive:unregistered', '-inf', before)) do
  if redis.call('HEXISTS', 'archive:files', name) == 1 then -- never remove what counts
    redis.call('ZREM', 'archive:unregistered', name)
  else
    redis.call('ZADD', 'archive:unregistered', 0, name)
    table.insert(names, name)
  end
end
return names
