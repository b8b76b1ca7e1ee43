"""The Open Inference Protocol, over the same models as /predict.

`endpoints` has the views of version 2, `schemas` their fields, and `tensors` the encoding of their
bodies. `v1` has the views of version 1, which KServe shares with TensorFlow Serving.
"""
