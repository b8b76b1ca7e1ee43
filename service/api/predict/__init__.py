"""Predictions: from the bytes of a request to its answer."""
