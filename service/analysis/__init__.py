"""The mathematics as endpoints: each computes, and nothing is trained or stored."""

from service.analysis import regression, softmax_jacobian
from service.analysis.parts import blueprint
from service.api.analysis import box, box_approximation, gradient_check

__all__ = [
    "blueprint",
    "box",
    "box_approximation",
    "gradient_check",
    "regression",
    "softmax_jacobian",
]
