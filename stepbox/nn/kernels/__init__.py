"""The compiled forms of the learning code in `stepbox.nn`, and how they are compiled.

Only code here and in `stepbox.training.augmentation` runs through Numba. Each loop has a readable
definition, and a test that compares both.

Public names: `descend` (dense), `kept` and `compiled` (compiling).
"""
