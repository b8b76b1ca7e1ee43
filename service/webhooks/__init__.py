"""Webhooks: who signs, sends and repeats the messages to them. `jobs.deliveries` has the queue."""
