"""The bodies of requests and responses: their bounds, JSON and compression.

Bodies that hold images belong to the API (`service.api.predict.images`).
"""

__all__ = ["bounds", "compression", "json_body", "json_cost", "number_lists"]
