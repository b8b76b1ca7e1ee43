"""The server that runs the application, from gunicorn's settings to Flask's threads.

It knows no endpoint: `service.app` gives it the Flask application, and the function that answers
quick requests.

Modules, in the order in which a request passes them: `gunicorn_conf`, `worker_process`, `listener`,
`connections`, `protocol` (with `framing` and `responses`), `quick`, `front`, `memory_budget`,
`receiving`, `wsgi`, `checks`, `client_disconnected` and `streams`.
"""
