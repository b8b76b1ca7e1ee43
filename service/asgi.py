"""What gunicorn serves."""

from service.app import create_app
from service.front import Front

app = Front(create_app())
