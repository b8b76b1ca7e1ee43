"""The compiled form of `backprop.descend` for dense layers: the same arithmetic, as loops.

Three things make it fast:

- It allocates no array while it runs.
- The weights of a layer are input-major: rows of shape (n_in + 1, n_out), so that all weights of
  one input are adjacent. The last row holds the biases; its input is always 1.
- It reads and writes only live rows, those whose input or slope is not 0. About four in five
  pixels are 0, and so are about half of the neurons in a ReLU layer.
"""

from math import erfc, exp, log, pi, sqrt, tanh
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepbox.nn.activations import IDENTITY, Array
from stepbox.nn.dense import Dense
from stepbox.nn.kernels.compiling import compiled, kept
from stepbox.nn.layer import Layer
from stepbox.nn.network import Network

Indices = NDArray[np.uint16]  # of rows

SIGMOID, TANH, RELU, GELU = range(4)
CODES = {"sigmoid": SIGMOID, "tanh": TANH, "relu": RELU, "gelu": GELU}

WORD = 8  # pixels that are compared with 0 in one operation


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


# The next three functions take whole arrays and the index of the layer. Otherwise, an eighth of the
# training time would go into making views for each sample.


@compiled
def pass_forward(
    rows: Array, layer: int, live: Indices, count: int, values: Array, deltas: Array
) -> None:
    """Write z_j = Σ_i W_ij a_i into the layer's row of `deltas`, which holds δ later.

    Four rows are added at a time, so that z is read and written less often.
    """
    width = rows.shape[1]
    for j in range(width):
        deltas[layer, j] = 0
    last = count - count % 4
    for k in range(0, last, 4):
        i0, i1, i2, i3 = live[layer, k], live[layer, k + 1], live[layer, k + 2], live[layer, k + 3]
        a0, a1, a2, a3 = values[layer, i0], values[layer, i1], values[layer, i2], values[layer, i3]
        for j in range(width):
            deltas[layer, j] += (
                a0 * rows[i0, j] + a1 * rows[i1, j] + a2 * rows[i2, j] + a3 * rows[i3, j]
            )
    for k in range(last, count):
        i = live[layer, k]
        a = values[layer, i]
        for j in range(width):
            deltas[layer, j] += a * rows[i, j]


@compiled
def pass_back(
    rows: Array, layer: int, live: Indices, count: int, slopes: Array, deltas: Array
) -> None:
    """Set the previous layer's δ_i = (Σ_j W_ij δ_j) f′(z_i). The row of biases is not used."""
    for i in range(rows.shape[0] - 1):
        deltas[layer - 1, i] = 0
    for k in range(count - 1):
        i = live[layer, k]
        slope = slopes[layer, i]
        passed = 0 * slope
        for j in range(rows.shape[1]):
            passed += rows[i, j] * deltas[layer, j]
        deltas[layer - 1, i] = passed * slope


@compiled
def step_down(
    rows: Array, layer: int, live: Indices, count: int, values: Array, deltas: Array, rate: float
) -> None:
    """Add −rate · a_i δ_j to the weights W_ij."""
    for k in range(count):
        i = live[layer, k]
        step = -rate * values[layer, i]
        for j in range(rows.shape[1]):
            rows[i, j] += step * deltas[layer, j]


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


@kept
def descend(
    parameters: Array,
    sizes: NDArray[np.int64],
    activation: int,
    published: bool,
    samples: NDArray[Any],
    greys: Array | None,
    labels: NDArray[Any],
    class_weights: Array,
    batch_size: int,
    rates: Array,
) -> float:
    """Train on samples in their order, batch by batch.

    Parameters
    ----------
    parameters
        The rows of all layers, one layer after the other, flattened; changed in place.
    sizes
        Number of neurons of each layer, from the inputs to the classes, shape (layers + 1,).
    activation
        One of `CODES`.
    published
        Whether to compute the gradient ``published``; see `backprop.backward`.
    samples
        With `greys`, images: shape (n, pixels), uint8, C-contiguous. Each row is padded with black
        pixels to a multiple of `WORD`. Without, inputs: shape (n, features), floats.
    greys
        The network's input for each grey level, shape (256,), 0 for black; or None.
    labels
        The true classes, shape (n,).
    class_weights
        Factor of the loss of each class's samples, shape (classes,).
    batch_size
        Samples per update, which uses the mean of their gradients.
    rates
        Learning rate of each batch, shape (batches,). `parameters`, `greys` and `class_weights`
        have the same dtype.

    Returns
    -------
    float
        Sum of the samples' losses in nats, each before its sample's update: the cross-entropy
        times the weight of the class.
    """
    layers = len(sizes) - 1
    widest = sizes.max() + WORD  # room for the biases' input, and for padding
    values = np.empty((layers, widest), parameters.dtype)  # inputs of each layer
    slopes = np.empty((layers, widest), parameters.dtype)
    deltas = np.empty((layers, widest), parameters.dtype)  # first z, then its δ
    live = np.empty((layers, widest), np.uint16)  # indices of the live rows
    counts = np.empty(layers, np.int64)  # number of live rows
    moved = parameters if batch_size == 1 else np.empty_like(parameters)
    rows, moving, start = [], [], 0
    for layer in range(layers):
        shape = (sizes[layer] + 1, sizes[layer + 1])
        stop = start + shape[0] * shape[1]
        rows.append(parameters[start:stop].reshape(shape))
        moving.append(moved[start:stop].reshape(shape))
        start = stop
    # The compiler removes the branches that do not fit the type of `greys`.
    if greys is not None:
        words = samples.view(np.uint64)
    loss_sum = 0.0

    for batch in range(len(rates)):
        first, last = batch * batch_size, min((batch + 1) * batch_size, len(labels))
        rate = rates[batch] / rates.dtype.type(last - first)
        if batch_size > 1:
            moved[:] = 0
        for sample in range(first, last):
            for layer in range(layers):
                n_in, count = sizes[layer], 0
                if layer == 0:
                    if greys is None:
                        for i in range(n_in):
                            values[0, i] = samples[sample, i]
                            live[0, count] = i
                            count += samples[sample, i] != 0
                    else:
                        for word in range(words.shape[1]):
                            if words[sample, word]:
                                for i in range(WORD * word, WORD * (word + 1)):
                                    grey = samples[sample, i]
                                    values[0, i] = greys[grey]
                                    live[0, count] = i
                                    count += grey != 0
                else:
                    for i in range(n_in):
                        value, slope = activate(activation, deltas[layer - 1, i])
                        if published:
                            _, slope = activate(activation, value)
                        values[layer, i] = value
                        slopes[layer, i] = slope
                        live[layer, count] = i
                        count += value != 0 or slope != 0
                values[layer, n_in] = 1
                live[layer, count] = n_in
                counts[layer] = count + 1
                pass_forward(rows[layer], layer, live, counts[layer], values, deltas)

            label = labels[sample]
            loss_sum += compare(deltas[layers - 1, : sizes[layers]], label, class_weights[label])

            for layer in range(layers - 1, -1, -1):
                count = counts[layer]
                if published:
                    step_down(moving[layer], layer, live, count, values, deltas, rate)
                if layer > 0:
                    pass_back(rows[layer], layer, live, count, slopes, deltas)
                if not published:
                    step_down(moving[layer], layer, live, count, values, deltas, rate)
        if batch_size > 1:
            parameters += moved
    return loss_sum


def activation_code(network: Network) -> int | None:
    """Return the code of a network's activation function; None if `descend` cannot train it.

    `descend` trains dense layers. All but the last must have the same activation function, one of
    `CODES`.
    """
    *hidden, last = (layer.activation.name for layer in network.layers)
    dense = all(type(layer) is Dense for layer in network.layers)
    if not dense or last != IDENTITY.name or len(set(hidden)) > 1:
        return None
    return CODES.get(hidden[0]) if hidden else RELU  # no hidden layers: any code works


def lay_out(network: Network) -> tuple[Array, NDArray[np.int64], Network]:
    """Copy the parameters of dense layers into the layout that `descend` takes.

    Returns
    -------
    parameters, sizes
        See `descend`.
    network
        The same network, whose arrays are views of `parameters`.
    """
    blocks = [np.vstack([a["weight"].T, a["bias"]]) for a in (n.arrays for n in network.layers)]
    parameters = np.concatenate([block.ravel() for block in blocks])
    parts = np.split(parameters, np.cumsum([block.size for block in blocks[:-1]]))
    layers: list[Layer] = []
    for part, block, layer in zip(parts, blocks, network.layers, strict=True):
        rows = part.reshape(block.shape)
        layers.append(Dense(rows[:-1].T, rows[-1], layer.activation))
    sizes = [len(blocks[0]) - 1, *(block.shape[1] for block in blocks)]
    return parameters, np.array(sizes), Network(layers)
