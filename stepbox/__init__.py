"""Stepbox: small neural networks, trained and explained; arrays in, arrays out."""

__version__ = "0.1.0"
