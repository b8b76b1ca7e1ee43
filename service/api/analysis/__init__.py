"""The endpoints under ``/analysis``, which compute their answers and store nothing.

Each module here has request models and views. Most answers are models of `stepbox.analysis`.
"""

from service.api.analysis import (  # noqa: F401 - they add their views to the blueprint
    boxes,
    gradient_check,
    projection,
    regression,
    softmax_jacobian,
)
from service.api.analysis.blueprint import blueprint

__all__ = ["blueprint"]
