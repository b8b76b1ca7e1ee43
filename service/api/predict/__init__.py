"""Predictions, from the bytes of a request to the body of its response.

`endpoint` is the view, `quick` answers small requests without it, and both use the other modules.
"""

__all__ = ["answer", "endpoint", "explain", "images", "quick"]
