-- ARGV: ids of jobs
-- Returns how many queued jobs start before each of these, '' if it is not queued.
settle()
return positions(ARGV)
