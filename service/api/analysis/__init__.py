"""The endpoints under ``/analysis``: each computes its answer, and trains or stores nothing.

A module here has one request model and one view. The results are models of `stepbox.analysis`.
"""

from service.api.analysis import (  # noqa: F401 - they add their views to the blueprint
    box,
    box_approximation,
    gradient_check,
    regression,
    softmax_jacobian,
)
from service.api.analysis.blueprint import blueprint

__all__ = ["blueprint"]
