-- ARGV: id, fence, then names and values of fields: the staged model with its figures, or `staged`,
-- the name under which a data set or a prediction is staged, and `dataset`, the id of the data set
-- Decides what this job will publish. From then on, the job cannot be cancelled, and every attempt
-- publishes this result unless its files are gone.
-- Returns 'go on', 'cancel' or 'lost', as `verdict` does.
local id, fence = unpack(ARGV)

local answer = verdict(id, fence)
if answer == 'go on' then
  redis.call('HSET', key_of(id), unpack(ARGV, 3))
end
return answer
