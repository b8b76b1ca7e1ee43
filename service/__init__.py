"""The REST API: Flask under gunicorn, one blueprint per resource."""
