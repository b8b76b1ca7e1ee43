"""Linear regression with the L1 loss or the L2 loss.

Each solution comes with a certificate that it is optimal, and both fits are compared.

Public names: `analyse_regression` (answer), `Solution` (solutions).
"""
