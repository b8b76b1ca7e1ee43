"""The mathematics behind the networks, as results to look at. Nothing here is trained or stored.

Each function computes a `Result`: a pydantic model with NumPy arrays, which the API shows as JSON.
"""

from stepbox.analysis.boxes import approximate_function, draw_box
from stepbox.analysis.expressions import Expression
from stepbox.analysis.gradient_check import check_gradients
from stepbox.analysis.regression import analyse_regression
from stepbox.analysis.result import Result
from stepbox.analysis.softmax import analyse_softmax

__all__ = [
    "Expression",
    "Result",
    "analyse_regression",
    "analyse_softmax",
    "approximate_function",
    "check_gradients",
    "draw_box",
]
