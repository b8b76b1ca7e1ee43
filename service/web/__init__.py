"""The HTML pages, and the static files that they load."""
