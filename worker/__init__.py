"""The worker: a Celery application that runs trainings."""
