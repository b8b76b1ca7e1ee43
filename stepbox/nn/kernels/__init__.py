"""The compiled form of `stepbox.nn.backprop`, and how functions are compiled.

Numba compiles only functions of this package and of `stepbox.training.augmentation`. The compiled
form is tested against its readable definition. `dense`, `first_convolution`, `convolution` and
`pooling` have the functions of one type of layer, and `activations` those between layers.

Public names: `Chain` (chain), `descend` and `WORD` (descend), `compiled`, `kept` and
`instruction_set` (compiling).
"""
