"""The mathematics as endpoints: each computes, and nothing is trained or stored."""

from service.analysis import (  # each adds its view to the blueprint
    box,
    box_approximation,
    gradient_check,
    regression,
    softmax_jacobian,
)
from service.analysis.parts import blueprint

__all__ = [
    "blueprint",
    "box",
    "box_approximation",
    "gradient_check",
    "regression",
    "softmax_jacobian",
]
