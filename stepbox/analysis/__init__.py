"""The mathematics behind the networks. Nothing here is trained or stored.

Most functions return a `Result`: a pydantic model with NumPy arrays, which the API sends as JSON.
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
