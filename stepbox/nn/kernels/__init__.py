"""The compiled form of `stepbox.nn.backprop`, and how functions are compiled.

Numba compiles only functions of this package and of `stepbox.training.augmentation`. The compiled
form is tested against its readable definition.

Public names: `descend`, `activation_code` and `lay_out` (dense), `compiled`, `kept` and
`instruction_set` (compiling).
"""
