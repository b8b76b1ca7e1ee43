"""Boxes made of step neurons, and sums of boxes that approximate a function."""
