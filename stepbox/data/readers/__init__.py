"""Read uploaded files. There is one module per format, and each returns a list of `Part`.

A reader never holds a whole file in memory: arrays are memory maps of scratch files. It rejects
what is malformed or over a limit with an `InvalidInputError` that says what is wrong and where.

Public names: `ImageFiles`, `Limits` and `Part` (part).
"""
