-- ARGV: owner, worker, name of this call or '', score of the lease, then job, fence, cause, beat of
-- each lost job
-- queued → running for the next job of the worker, see queue.lua. Before that, requeues the lost jobs,
-- because one of them may then be the next.
-- Returns {id, fence}, or false if no job is queued that the worker may take, or if it is draining. If
-- a call with the same name has already claimed a job, returns that job: the reply to that call was
-- lost.
local owner, worker, call, score = unpack(ARGV)

for _, id in ipairs(call ~= '' and redis.call('ZRANGEBYSCORE', 'jobs:leases', score, score) or {}) do
  local record = redis.call('HMGET', key_of(id), 'claimed_by', 'fence')
  if record[1] == call then
    return { id, record[2] }
  end
end
reap(5)
if redis.call('SISMEMBER', 'workers:draining', worker) == 1 then
  return false
end
local id = take_job(worker)
if not id then
  return false
end
redis.call('ZADD', 'jobs:leases', score, id)
redis.call('HINCRBY', key_of(id), 'attempts', 1)
local fence = redis.call('HINCRBY', key_of(id), 'fence', 1)
-- `owner` describes the process that runs the job; `claimed_by` recognizes a repeated call.
redis.call('HSET', key_of(id), 'owner', owner, 'worker', worker, 'claimed_by', call, 'beat', 0)
set_status(id, 'running')
redis.call('HSET', 'workers:claimed', worker, id .. ':' .. fence)
redis.call('HSETNX', key_of(id), 'started_at', stamp())
emit_status(id)
return { id, tostring(fence) }
