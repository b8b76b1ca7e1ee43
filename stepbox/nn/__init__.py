"""Networks: layers, activation functions, losses, and the gradients by hand."""
