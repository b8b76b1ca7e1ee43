"""The REST API: Flask under gunicorn, one blueprint a resource."""
