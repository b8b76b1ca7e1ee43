-- Returns {version of the archive, its files and their descriptions as a flat list, and for each of
-- them the ids of the jobs that do not count}.
local files, dropped = redis.call('HGETALL', 'archive:files'), {}
for i = 1, #files, 2 do
  table.insert(dropped, redis.call('SMEMBERS', dropped_of(files[i])))
end
return { redis.call('GET', 'archive:version') or '', files, dropped }
