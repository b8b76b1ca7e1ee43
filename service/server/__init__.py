"""The server below the application: gunicorn's settings, connections, HTTP, streams and threads.

It knows no endpoint. `service.app` gives it the Flask application and the quick requests.
"""

__all__ = [
    "checks",
    "client_disconnected",
    "connections",
    "framing",
    "front",
    "gunicorn_conf",
    "listener",
    "memory_budget",
    "protocol",
    "quick",
    "responses",
    "streams",
    "worker_process",
    "wsgi",
]
