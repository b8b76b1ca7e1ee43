"""The ASGI application that gunicorn serves."""

from jobs.startup import imports

with imports():
    from service.app import create_asgi_app

app = create_asgi_app()
