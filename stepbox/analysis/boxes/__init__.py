"""Boxes made of step neurons, and sums of boxes that approximate a function.

Each analysis here builds its network, runs it, and measures how far the output is from the
function.
"""

from stepbox.analysis.boxes.approximation import BoxApproximationAnswer, approximate_function
from stepbox.analysis.boxes.box import BoxAnswer, box_network, draw_box, staircase_network
from stepbox.analysis.boxes.error import approximate, fewest_boxes, measure_error
from stepbox.analysis.boxes.rate import count_growth, measure_rate
from stepbox.analysis.boxes.sum import BoxSum

__all__ = [
    "BoxAnswer",
    "BoxApproximationAnswer",
    "BoxSum",
    "approximate",
    "approximate_function",
    "box_network",
    "count_growth",
    "draw_box",
    "fewest_boxes",
    "measure_error",
    "measure_rate",
    "staircase_network",
]
