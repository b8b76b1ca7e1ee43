"""What gunicorn serves."""

from jobs.startup import imports

with imports():
    from service.app import create_app
    from service.front import Front

app = Front(create_app())
