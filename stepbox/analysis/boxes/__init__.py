"""Boxes made of step neurons, and sums of boxes that approximate a function.

Each box and each sum is built as a network, and its values are the outputs of that network.

Public names: `draw_box` and `box_network` (box), `BoxSum` (sum), `find_pieces` (division),
`approximate` (error), `fewest_boxes` (fewest), `FreeBoxes` (free), `free_boxes` (minimality),
`train_steps` (trained), `approximate_function` (approximation).
"""
