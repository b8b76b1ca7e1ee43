"""The steps of a training, each computed again from the snapshots that were kept.

`endpoints` has the views, `schemas` their parameters and responses, and `answer` the numbers of a
step.
"""
