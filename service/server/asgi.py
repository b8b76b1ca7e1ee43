"""What gunicorn serves."""

from jobs.startup import imports

with imports():
    from service.app import create_app
    from service.server.front import Front

app = Front(create_app())
