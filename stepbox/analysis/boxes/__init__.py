"""Boxes made of step neurons, and sums of boxes that approximate a function.

Each analysis builds a network, runs it, and measures how far its output is from the function.

Public names: `draw_box` and `box_network` (box), `BoxSum` (sum), `approximate` (error),
`approximate_function` (approximation).
"""
