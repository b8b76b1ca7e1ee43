"""The command `stepbox`: trainings, predictions and data sets from a terminal.

One module per group of commands. `main` maps errors to exit codes, and `recipe_options` derives the
options of ``stepbox train`` from the fields of a request to train.

Public names: `main` (main).
"""
