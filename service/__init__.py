"""The REST API and the pages: Flask under gunicorn, one blueprint per resource."""
