"""What a job is and how it travels: its record and events in Redis, and the queue's settings."""
