"""Everything below HTTP: sockets, bodies, memory, event streams, and how gunicorn runs it."""
