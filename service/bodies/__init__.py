"""Read and limit the bodies of requests, and compress the bodies of responses.

The images in a body are read by `service.api.readers`.
"""
