-- ARGV: id
-- Cancels a job, see transitions.lua.
return cancel(ARGV[1])
