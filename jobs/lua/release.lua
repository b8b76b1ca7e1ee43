-- ARGV: job, fence, cause, why the store has refused something, or '' if it has not
-- running → queued, because the worker cannot run the job.
local id, fence, cause, refusal = unpack(ARGV)

if verdict(id, fence) ~= 'lost' then
  requeue(id, cause, refusal ~= '' and refusal or nil)
end
