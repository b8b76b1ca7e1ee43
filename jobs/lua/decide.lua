-- ARGV: id, fence, model, peak memory in bytes, 1 if the model is better than guessing or 0
-- Decides which staged model this job will publish. From then on, the job cannot be cancelled, and
-- every attempt publishes this model unless its files are gone.
-- Returns 'go on', 'cancel' or 'lost', as `verdict` does.
local id, fence, model, peak_memory, better = unpack(ARGV)

local answer = verdict(id, fence)
if answer == 'go on' then
  redis.call('HSET', key_of(id), 'model', model, 'peak_memory', peak_memory,
    'better_than_guessing', better)
end
return answer
