-- ARGV: id
-- Delivers again, at once and with a new day of attempts. Returns 'pending', or 'unknown'.
local id = ARGV[1]

if redis.call('EXISTS', delivery_of(id)) == 0 then
  return 'unknown'
end
begin_delivery(id)
return 'pending'
