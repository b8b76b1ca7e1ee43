"""The Open Inference Protocol, version 2, over the same models as /predict.

`endpoints` has the views, `schemas` their fields, and `tensors` the encoding of their bodies.
"""
