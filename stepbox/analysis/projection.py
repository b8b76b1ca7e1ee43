"""The samples of a data set in two dimensions, as each layer of a network represents them."""

from typing import NamedTuple

import numpy as np

from stepbox.nn.activations import Array
from stepbox.nn.network import Network


class Projection(NamedTuple):
    """A projection onto the two directions in which samples vary most.

    Attributes
    ----------
    mean
        Mean of the samples, shape (dimensions,).
    axes
        The two directions, orthonormal, shape (2, dimensions). In one dimension, the second is 0.
    shares
        The share of the samples' variance along each direction, 0 to 1, shape (2,).
    """

    mean: Array
    axes: Array
    shares: Array

    def points(self, samples: Array) -> Array:
        """Project samples, shape (n, dimensions), to points, shape (n, 2)."""
        points: Array = (samples - self.mean) @ self.axes.T
        return points


def principal_components(samples: Array) -> Projection:
    """Find the projection that keeps the most variance (principal component analysis, PCA).

    Parameters
    ----------
    samples
        Shape (n, dimensions), with n ≥ 2.

    Notes
    -----
    A direction is determined up to its sign. Its component of the largest magnitude is positive.

    References
    ----------
    Pearson, K. (1901). On lines and planes of closest fit to systems of points in space.
    """
    mean = samples.mean(axis=0)
    centered = samples - mean
    # The eigenvectors of the smaller of the two products lead to those of the other.
    is_wide = centered.shape[1] > len(centered)
    product = centered @ centered.T if is_wide else centered.T @ centered
    variances, vectors = np.linalg.eigh(product)  # ascending
    axes = vectors[:, :-3:-1].T
    if is_wide:
        axes = axes @ centered
        lengths = np.linalg.norm(axes, axis=1, keepdims=True)
        axes = np.divide(axes, lengths, out=np.zeros_like(axes), where=lengths > 0)
    axes = axes * np.sign(np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], 1))
    shares = variances[:-3:-1].clip(0) / (variances.clip(0).sum() or 1.0)
    missing = 2 - len(axes)  # a layer may have a single neuron
    return Projection(mean, np.pad(axes, ((0, missing), (0, 0))), np.pad(shares, (0, missing)))


def representation(network: Network, inputs: Array, layer: int) -> Array:
    """Return what a layer of a network outputs.

    Parameters
    ----------
    network
        The network.
    inputs
        Shape (n, inputs).
    layer
        0 for the inputs themselves, 1 for the outputs of the first layer, and so on; the last
        layer outputs the logits.

    Returns
    -------
    Shape (n, neurons), in float64.
    """
    part = Network([network.layers[number] for number in range(layer)])
    return np.concatenate(
        [part.logits(inputs[block]).astype(np.float64) for block in network.blocks(len(inputs))]
    )
