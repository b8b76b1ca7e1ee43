"""Jobs: the record and the events of a job in Redis, and the settings of the Celery queue.

The API and the worker both use this package.
"""
