"""The worker: a Celery application that runs training jobs."""
