"""The mathematics as endpoints: each computes, and nothing is trained or stored."""

from service.analysis.parts import blueprint
from service.api.analysis import (
    box,
    box_approximation,
    gradient_check,
    regression,
    softmax_jacobian,
)

__all__ = [
    "blueprint",
    "box",
    "box_approximation",
    "gradient_check",
    "regression",
    "softmax_jacobian",
]
