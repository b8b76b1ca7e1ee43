"""The endpoints under ``/analysis``: each computes its answer, and trains or stores nothing.

A module here has one request model and one view. The results are models of `stepbox.analysis`.
"""

from service.api.analysis import (
    box,
    box_approximation,
    gradient_check,
    regression,
    softmax_jacobian,
)
from service.api.analysis.blueprint import blueprint

__all__ = [
    "blueprint",
    "box",
    "box_approximation",
    "gradient_check",
    "regression",
    "softmax_jacobian",
]
