"""The compiled form of `backprop.descend` for any chain of layers: the same arithmetic, as loops.

Three things make it fast:

- It allocates no array while it runs.
- Weights that are used together are adjacent. In a dense layer and in a first convolution, these
  are the weights of an input; in other convolutions, those of an output. The biases are the weights
  of an input that is always 1.
- It skips the weights that are multiplied by 0. About four in five pixels are 0, about half of the
  neurons in a ReLU layer, and at least three in four δ before a pool of 2×2.

The functions of each type of layer are in a module of their own. They share these arrays, which
have a row for each layer:

    values    the layer's inputs a
    slopes    f′(z) of these inputs: what the way back multiplies them by
    deltas    the layer's outputs z, which its δ replace on the way back
    live      of a dense layer: the indices of its live inputs (value or slope not 0), in order
    winners   of a pool: the index of the input that each maximum came from
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepbox.nn.activations import Array
from stepbox.nn.kernels import convolution, dense, first_convolution, pooling
from stepbox.nn.kernels.activations import RELU, compare, find_live, rectify, respond
from stepbox.nn.kernels.compiling import kept
from stepbox.nn.kernels.convolution import COLUMNS_AT_ONCE, Geometry
from stepbox.nn.kernels.sums import AT_ONCE

# The types of layers. A convolution as the first layer is a type of its own.
DENSE, FIRST_CONVOLUTION, CONVOLUTION, MAX_POOL = range(4)

WORD = 8  # pixels that are compared with 0 in one operation


@kept
def descend(
    parameters: Array,
    types: NDArray[np.int64],
    geometry: Geometry,
    fills: Array,
    activation: int,
    published: bool,
    samples: NDArray[Any],
    greys: Array | None,
    labels: NDArray[Any],
    class_weights: Array,
    batch_size: int,
    rates: Array,
    losses: Array,
    wrong: NDArray[np.bool_],
) -> None:
    """Train on samples in their order, batch by batch.

    Parameters
    ----------
    parameters
        The rows of all layers, one layer after the other, flattened; changed in place.
    types
        `DENSE`, `FIRST_CONVOLUTION`, `CONVOLUTION` or `MAX_POOL` for each layer, shape (layers,).
        A convolution is a `FIRST_CONVOLUTION` if, and only if, it is the first layer. The last
        layer is not a pool.
    geometry
        The shapes of each layer, shape (layers, 9); see `Geometry`.
    fills
        Value of each convolution's padding, shape (layers,).
    activation
        One of `CODES`: the activation function of all layers but pools and the last.
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
        Learning rate of each batch, shape (batches,). `parameters`, `fills`, `greys` and
        `class_weights` have the same dtype.
    losses, wrong
        Shape (n,), for the results: the loss of each sample before its update, in nats (the
        cross-entropy times the weight of the class), and whether it was classified wrongly.
    """
    layers = len(types)
    n_ins = geometry[:, 0] * geometry[:, 1] * geometry[:, 2]
    classes = geometry[layers - 1, 6] * geometry[layers - 1, 7] * geometry[layers - 1, 8]
    widest = max(n_ins.max(), classes) + WORD  # room for the biases' input, and for padding
    values = np.zeros((layers, widest), parameters.dtype)
    slopes = np.zeros((layers, widest), parameters.dtype)
    deltas = np.empty((layers, widest), parameters.dtype)
    live = np.empty((layers, widest), np.uint32)
    winners = np.empty((layers, widest), np.uint32)
    counts = np.empty(layers, np.int64)  # number of live inputs
    # For the rows that `add_rows` adds: one for each input of a column of a window, each row of
    # outputs, or each channel of the outputs.
    most_rows = max(
        (geometry[:, 2] * geometry[:, 3]).max(), geometry[:, 6].max(), geometry[:, 8].max()
    )
    starts = np.empty(most_rows + AT_ONCE, np.uint64)
    factors = np.empty(most_rows + AT_ONCE, parameters.dtype)
    moved = parameters if batch_size == 1 else np.empty_like(parameters)
    rows, moving, windows = [], [], []
    start = 0
    for layer in range(layers):
        n_out = geometry[layer, 8]
        length = geometry[layer, 2] * geometry[layer, 3] ** 2 + 1  # of a window, with a bias
        shape = (length, n_out)
        room = (0, 0)
        if types[layer] == CONVOLUTION:
            shape = (n_out, length)
            room = (min(COLUMNS_AT_ONCE, geometry[layer, 7]), length)
        elif types[layer] == FIRST_CONVOLUTION:
            room = (1, geometry[layer, 2] * (geometry[layer, 0] + 2 * geometry[layer, 5]))
        elif types[layer] == MAX_POOL:
            shape = (0, n_out)
        windows.append(np.empty(room, parameters.dtype))
        stop = start + shape[0] * shape[1]
        rows.append(parameters[start:stop].reshape(shape))
        moving.append(moved[start:stop].reshape(shape))
        start = stop
    # The compiler removes the branches that do not fit the type of `greys`.
    if greys is not None:
        words = samples.view(np.uint64)

    for batch in range(len(rates)):
        first, last = batch * batch_size, min((batch + 1) * batch_size, len(labels))
        rate = rates[batch] / rates.dtype.type(last - first)
        if batch_size > 1:
            moved[:] = 0
        for sample in range(first, last):
            for layer in range(layers):
                n_in, count = n_ins[layer], 0
                if layer == 0:
                    if greys is None:
                        for i in range(n_in):
                            values[0, i] = samples[sample, i]
                            live[0, count] = i
                            count += samples[sample, i] != 0
                    else:
                        if types[0] != DENSE:
                            values[0, :] = 0
                        for word in range(words.shape[1]):
                            if words[sample, word]:
                                for i in range(WORD * word, WORD * (word + 1)):
                                    grey = samples[sample, i]
                                    values[0, i] = greys[grey]
                                    live[0, count] = i
                                    count += grey != 0
                elif types[layer - 1] == MAX_POOL:
                    pooling.pass_forward(layer - 1, geometry, values, slopes, winners)
                    if types[layer] == DENSE:
                        count = find_live(layer, n_in, values, slopes, live)
                elif types[layer] != DENSE and activation == RELU:
                    rectify(layer, n_in, values, slopes, deltas)
                else:
                    count = respond(
                        activation, published, layer, n_in, values, slopes, deltas, live
                    )
                if types[layer] == DENSE:
                    values[layer, n_in] = 1
                    live[layer, count] = n_in
                    count += 1
                    dense.pass_forward(rows[layer], layer, live, count, values, deltas)
                elif types[layer] == FIRST_CONVOLUTION:
                    first_convolution.pass_forward(
                        rows[layer],
                        layer,
                        geometry,
                        fills[layer],
                        values,
                        deltas,
                        windows[layer][0],
                        starts,
                        factors,
                    )
                elif types[layer] == CONVOLUTION:
                    convolution.pass_forward(
                        rows[layer], layer, geometry, fills[layer], values, deltas, windows[layer]
                    )
                counts[layer] = count

            label = labels[sample]
            losses[sample], wrong[sample] = compare(
                deltas[layers - 1, :classes], label, class_weights[label]
            )

            for layer in range(layers - 1, -1, -1):
                count = counts[layer]
                for part in range(2):
                    if (part == 0) == published:
                        if types[layer] == DENSE:
                            dense.step_down(moving[layer], layer, live, count, values, deltas, rate)
                        elif types[layer] == FIRST_CONVOLUTION:
                            first_convolution.step_down(
                                moving[layer],
                                layer,
                                geometry,
                                fills[layer],
                                values,
                                deltas,
                                rate,
                                windows[layer][0],
                                starts,
                                factors,
                            )
                        elif types[layer] == CONVOLUTION:
                            convolution.step_down(
                                moving[layer],
                                layer,
                                geometry,
                                fills[layer],
                                values,
                                deltas,
                                rate,
                                windows[layer][0],
                                starts,
                                factors,
                            )
                    elif layer > 0:
                        if types[layer] == DENSE:
                            dense.pass_back(rows[layer], layer, live, count, slopes, deltas)
                        elif types[layer] == CONVOLUTION:
                            convolution.pass_back(
                                rows[layer],
                                layer,
                                geometry,
                                slopes,
                                deltas,
                                windows[layer][0],
                                starts,
                                factors,
                            )
                        else:
                            pooling.pass_back(layer, geometry, winners, deltas)
        if batch_size > 1:
            parameters += moved
