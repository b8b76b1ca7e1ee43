-- ARGV: id, progress, queue limit, limit of the owner or 0, idempotency key or '', fingerprint of
-- the request, request id or '', 1 to create only the first job ever or 0, then names and values of
-- the fields that say what to do, and of labels
-- Creates a job. Returns {outcome, id}. The outcome is 'created', 'earlier' (the key has created a
-- job before), 'late' (there has been a job before), 'differs' (the key was used with another
-- request), 'full' (the queue is full) or 'owner full' (the owner has too many queued jobs). A
-- repeated call with the same id creates no second job.
local id, progress, limit, owner_limit, idempotency, fingerprint, request_id, only_first =
  unpack(ARGV)

if is_known(id) then
  return { 'created', id }
end
if only_first == '1' and redis.call('EXISTS', 'jobs:sequence') == 1 then
  return { 'late', '' }
end
if idempotency ~= '' then
  local earlier = redis.call('HMGET', 'idempotency:' .. idempotency, 'job', 'fingerprint')
  if earlier[1] and is_known(earlier[1]) then
    return { earlier[2] == fingerprint and 'earlier' or 'differs', earlier[1] }
  end
end
local fields = { unpack(ARGV, 9) }
local owner = ''
for i = 1, #fields, 2 do
  owner = fields[i] == 'submitted_by' and fields[i + 1] or owner
end
local _, queued = settle()
if queued >= tonumber(limit) then
  return { 'full', '' }
end
if tonumber(owner_limit) > 0
  and tonumber(redis.call('HGET', 'jobs:owners', owner) or 0) >= tonumber(owner_limit) then
  return { 'owner full', '' }
end

if request_id ~= '' then
  table.insert(fields, 'request_id')
  table.insert(fields, request_id)
end
create(id, progress, fields)
if idempotency ~= '' then
  redis.call('HSET', 'idempotency:' .. idempotency, 'job', id, 'fingerprint', fingerprint)
  redis.call('EXPIRE', 'idempotency:' .. idempotency, KEYS_KEPT_S)
end
return { 'created', id }
