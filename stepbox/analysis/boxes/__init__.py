"""Boxes made of step neurons, and sums of boxes that approximate a function.

Each box and each sum is built as a network, and its values are the outputs of that network.
"""

from stepbox.analysis.boxes.approximation import BoxApproximationAnswer, approximate_function
from stepbox.analysis.boxes.box import BoxAnswer, box_network, draw_box
from stepbox.analysis.boxes.error import approximate
from stepbox.analysis.boxes.sum import BoxSum

__all__ = [
    "BoxAnswer",
    "BoxApproximationAnswer",
    "BoxSum",
    "approximate",
    "approximate_function",
    "box_network",
    "draw_box",
]
