"""The activation functions and the loss of one sample, compiled."""

from math import erfc, exp, log, pi, sqrt, tanh

from stepbox.nn.activations import Array
from stepbox.nn.kernels.compiling import compiled

SIGMOID, TANH, RELU, GELU = range(4)
CODES = {"sigmoid": SIGMOID, "tanh": TANH, "relu": RELU, "gelu": GELU}


@compiled
def activate(activation: int, z: float) -> tuple[float, float]:
    """Return f(z) and f′(z)."""
    if activation == SIGMOID:
        value = 1 / (1 + exp(-z))
        return value, value * (1 - value)
    if activation == TANH:
        value = tanh(z)
        return value, 1 - value * value
    if activation == RELU:
        return (z, 1.0) if z > 0 else (0.0, 0.0)
    share = 0.5 * erfc(-z / sqrt(2))
    return z * share, share + z * exp(-0.5 * z * z) / sqrt(2 * pi)


@compiled
def compare(logits: Array, label: int, weight: float) -> float:
    """Replace logits by δ = w (p − t), and return the loss w (log Σ_j exp(z_j) − z_label)."""
    top = logits.max()
    logit = logits[label]
    total = 0.0
    for j in range(len(logits)):
        logits[j] = exp(logits[j] - top)
        total += logits[j]
    for j in range(len(logits)):
        logits[j] /= total
    logits[label] -= 1
    for j in range(len(logits)):
        logits[j] *= weight
    return float(weight * (log(total) + top - logit))
