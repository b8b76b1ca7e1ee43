-- ARGV: sweep, its fence, number of the trial, id, progress, then names and values of fields
-- Creates the next trial of a sweep. No limit of the queue refuses it, because the sweep was
-- accepted; while it waits, it counts as a queued job. A repeated call creates no second trial.
-- Returns 'go on', 'cancel' or 'lost', as `verdict` does.
local sweep, fence, number, id, progress = unpack(ARGV)

local answer = verdict(sweep, fence)
if answer == 'go on' and redis.call('LLEN', history_of(sweep)) == tonumber(number) then
  create(id, progress, { unpack(ARGV, 6) })
  add_trial(sweep, id)
  redis.call('HDEL', key_of(sweep), 'deaths', 'memory_deaths')
end
return answer
