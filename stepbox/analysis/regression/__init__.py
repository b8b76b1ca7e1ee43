"""Linear regression with the L1 loss and with the L2 loss."""
