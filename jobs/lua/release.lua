-- ARGV: job, fence, cause, beat of each job that its worker gives back
-- running → queued.
reap(1)
