"""Boxes made of step neurons, and sums of boxes that approximate a function.

Each box and each sum is built as a network, and its values are the outputs of that network.

Public names: `draw_box` and `box_network` (box), `BoxSum` (sum), `approximate` (error),
`find_pieces` (pieces), `FreeBoxes` (free), `train_steps` (trained), `approximate_function`
(approximation).
"""
