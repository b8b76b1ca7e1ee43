"""The mathematics as endpoints: each computes, and nothing is trained or stored."""

from service.api.analysis import (
    box,
    box_approximation,
    gradient_check,
    regression,
    softmax_jacobian,
)
from service.api.analysis.base import blueprint

__all__ = [
    "blueprint",
    "box",
    "box_approximation",
    "gradient_check",
    "regression",
    "softmax_jacobian",
]
