"""The mathematics behind the networks, as results to look at. Nothing here is trained or stored.

Each function computes a `Result`: a pydantic model with NumPy arrays, which the API shows as JSON.

Public names: `Result` (result), `Expression` (expressions), `check_gradients` (gradient_check),
`analyse_softmax` (softmax), and those of `boxes` and `regression`.
"""
