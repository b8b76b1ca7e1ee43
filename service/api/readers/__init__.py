"""Read the samples of a request's body, one module per format.

`by_type` chooses the reader by the content type, and `images` says what all of them return. These
modules do not use Flask's request, because quick predictions have none.
"""
