"""The mathematics behind the networks. Nothing here is trained or stored.

Most functions return a `Result`: a pydantic model with NumPy arrays, which the API sends as JSON.

Public names: `Result` (result), `Expression` (expressions), `Interval` (intervals), `Enclosure`
(enclosures), `ComplexSteps` (complex_step), `check_gradients` (gradient_check),
`analyse_softmax` (softmax), `layer_outputs` (feature_maps), `occlude` (occlusion), and those of
`boxes` and `regression`.
"""
