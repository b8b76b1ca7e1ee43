"""Linear regression with the L1 loss or the L2 loss.

Each solution comes with a certificate that it is optimal, and both fits are compared.
"""

from stepbox.analysis.regression.answer import RegressionAnswer, analyse_regression
from stepbox.analysis.regression.comparison import Comparison, Fit, compare
from stepbox.analysis.regression.solutions import (
    L1Certificate,
    L2Certificate,
    Solution,
    absolute_loss,
    least_absolutes,
    least_squares,
    squared_loss,
)

__all__ = [
    "Comparison",
    "Fit",
    "L1Certificate",
    "L2Certificate",
    "RegressionAnswer",
    "Solution",
    "absolute_loss",
    "analyse_regression",
    "compare",
    "least_absolutes",
    "least_squares",
    "squared_loss",
]
