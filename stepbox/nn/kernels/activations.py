"""The activation functions and the loss of one sample, compiled."""

from math import erfc, exp, log, pi, sqrt, tanh

from stepbox.nn.activations import Array
from stepbox.nn.kernels.compiling import compiled
from stepbox.nn.kernels.dense import Indices

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
def respond(
    activation: int,
    published: bool,
    layer: int,
    count: int,
    values: Array,
    slopes: Array,
    deltas: Array,
    live: Indices,
) -> int:
    """Turn the outputs z of the layer before into inputs; return how many of them are live."""
    found = 0
    # A loop for each case, so that the function is not chosen again for each input.
    if activation == SIGMOID and not published:
        for i in range(count):
            value, slope = activate(SIGMOID, deltas[layer - 1, i])
            values[layer, i], slopes[layer, i] = value, slope
            live[layer, found] = i
            found += value != 0 or slope != 0
    elif activation == RELU:
        for i in range(count):
            value, slope = activate(RELU, deltas[layer - 1, i])
            values[layer, i], slopes[layer, i] = value, slope
            live[layer, found] = i
            found += slope != 0
    else:
        for i in range(count):
            value, slope = activate(activation, deltas[layer - 1, i])
            if published:
                _, slope = activate(activation, value)
            values[layer, i], slopes[layer, i] = value, slope
            live[layer, found] = i
            found += value != 0 or slope != 0
    return found


@compiled
def rectify(layer: int, count: int, values: Array, slopes: Array, deltas: Array) -> None:
    """Do the same for ReLU without finding the live inputs: with vector instructions."""
    for i in range(count):
        values[layer, i], slopes[layer, i] = activate(RELU, deltas[layer - 1, i])


@compiled
def find_live(layer: int, count: int, values: Array, slopes: Array, live: Indices) -> int:
    """Find the live inputs after a pool; return how many there are."""
    found = 0
    for i in range(count):
        live[layer, found] = i
        found += values[layer, i] != 0 or slopes[layer, i] != 0
    return found


@compiled
def compare(logits: Array, label: int, weight: float) -> tuple[float, bool]:
    """Replace logits by δ = w (p − t).

    Returns
    -------
    loss
        w (log Σ_j exp(z_j) − z_label), in nats.
    wrong
        Whether the first of the largest logits is not that of the label.
    """
    best = logits.argmax()
    top = logits[best]
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
    return float(weight * (log(total) + top - logit)), best != label
