-- ARGV: job, fence, why the store has refused something, or '' if it does not answer
-- running → queued, because the worker cannot use the store.
local id, fence, refusal = unpack(ARGV)

if verdict(id, fence) ~= 'lost' then
  requeue(id, 'store', refusal ~= '' and refusal or nil)
end
