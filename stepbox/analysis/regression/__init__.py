"""Linear regression with the L1 loss or the L2 loss.

Each solution comes with a certificate that it is optimal, and both fits are compared.
"""

from stepbox.analysis.regression.answer import RegressionAnswer, analyse_regression
from stepbox.analysis.regression.solutions import LossName, Solution

__all__ = ["LossName", "RegressionAnswer", "Solution", "analyse_regression"]
