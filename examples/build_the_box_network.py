"""Build networks by hand: a box from two step neurons, and a function from many boxes.

A step neuron is 0 on one side of its edge and 1 on the other. The difference of two such neurons
is a box. With enough boxes side by side, a network approximates any continuous function as closely
as you like.
"""

import numpy as np

from stepbox.analysis.boxes.box import box_network, run_network
from stepbox.analysis.boxes.division import find_pieces
from stepbox.analysis.boxes.error import Sample, approximate, measure_error
from stepbox.analysis.expressions import Expression

box = box_network(height=2.0, width=3.0)
points = np.array([-1.0, 0.0, 1.5, 2.9, 3.0])
print("A box of height 2 on [0, 3):")
for x, y in zip(points, run_network(box, points[:, None]), strict=True):
    print(f"    b({x:4.1f}) = {y:.0f}")

print("sin(x) on [-3, 3) as a sum of boxes, with a proven bound of the error:")
sine = Expression("sin(x)")
sample, pieces = Sample.of(sine, bound=3.0), find_pieces(sine, bound=3.0)
for boxes in (4, 16, 64, 256):
    boxes_of_sine = approximate(sine, bound=3.0, boxes=boxes)
    error = measure_error(sine, boxes_of_sine, sample, pieces)
    print(f"    {boxes:3} boxes, {boxes_of_sine.neurons:3} neurons: error {error.max_error:.4f}")
