"""Figures of models, each computed once and then cached."""

from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepbox.analysis.inspection import (
    LayerHistogram,
    Predictions,
    most_changed,
    weight_histograms,
)
from stepbox.analysis.projection import Projection, principal_components, representation
from stepbox.data.dataset import Dataset, scale_pixels
from stepbox.errors import StepsNotKeptError
from stepbox.nn.activations import Array
from stepbox.nn.layer import LayerSpec
from stepbox.store.cache import ObjectCache
from stepbox.store.card import Card
from stepbox.store.models import ModelStore
from stepbox.training.evaluation import BLOCK, predict_logits
from stepbox.training.replay import Replay
from stepbox.training.step_figures import Jumps, LossCurve, angles, jumps, loss_curve

PROJECTED = 1000  # test images: enough to see the classes, few enough to draw one by one
PROJECTED_VALUES = 10_000_000  # of one layer for all of them: 80 MB in float64
REPLAYS = 2  # a record of up to 48 MB each, 16 MB of states, and some copies of the network
PREDICTIONS_BYTES = 32 * 2**20  # for a million test samples, or 200 built-in test sets
CURVES_BYTES = 8 * 2**20  # for 400 curves of 600 groups, or 50 of the longest
WEIGHTS_BYTES = 32 * 2**20  # for two of the widest dense layers, or eighty of the usual ones


class LayerWeights(NamedTuple):
    """The weights of a layer, and the order in which training changed its neurons.

    Attributes
    ----------
    before, after
        Weights before and after training. Of a dense layer, shape (neurons, *input_shape); of a
        convolution, (filters, kernel, kernel, channels). Without the axis of channels if an image
        has one.
    neurons
        Indices of the neurons or filters, the most changed first, shape (neurons,).
    changes
        Euclidean distance between a neuron's weights before and after, in the order of `neurons`.
    """

    before: Array
    after: Array
    neurons: NDArray[Any]
    changes: Array


def in_shape(weights: Array, spec: LayerSpec) -> Array:
    """Return the weights of a layer in the shape of its inputs, as `LayerWeights` has them."""
    if weights.ndim == 2:
        weights = weights.reshape(-1, *spec.input_shape)
    if weights.ndim == 4 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    return weights


class ProjectedLayer(NamedTuple):
    """The first test images in two dimensions, as one layer of a network represents them.

    Attributes
    ----------
    projection
        The projection that keeps the most variance of these images.
    points
        The projected images, shape (n, 2).
    """

    projection: Projection
    points: Array


class ModelFigures:
    """A cache of figures by model id. No id is used for two models, so no entry expires.

    If several threads need the same figure at once, one of them computes it. At most two threads
    compute at the same time.

    Parameters
    ----------
    models
        The store of models.
    test_set, train_set
        Return the test set and the training set of a model.
    """

    def __init__(
        self,
        models: ModelStore,
        test_set: Callable[[Card], Dataset],
        train_set: Callable[[Card], Dataset],
    ) -> None:
        self.turn = BoundedSemaphore(2)  # for work that needs much memory
        self._models = models
        self._test_set = test_set
        self._train_set = train_set
        self._predictions = ObjectCache[Predictions](
            PREDICTIONS_BYTES, lambda predictions: sum(array.nbytes for array in predictions)
        )
        self._histograms = ObjectCache[list[LayerHistogram]](256)  # 20 kB each at most
        self._projections = ObjectCache[list[ProjectedLayer]](256)  # 60 kB each at most
        self._replays = ObjectCache[Replay](REPLAYS)
        self._angles = ObjectCache[list[Array] | None](256)  # 20 kB each at most
        self._jumps = ObjectCache[Jumps](256)  # 30 kB each at most
        self._curves = ObjectCache[LossCurve](
            CURVES_BYTES, lambda curve: sum(array.nbytes for array in curve)
        )
        self._weights = ObjectCache[LayerWeights](
            WEIGHTS_BYTES, lambda layer: sum(array.nbytes for array in layer)
        )

    def predictions(self, model_id: str) -> Predictions:
        """Return what a model predicts for its test set."""

        def compute() -> Predictions:
            card, network = self._models.load(model_id)
            test_set = self._test_set(card)
            blocks = []
            for start in range(0, len(test_set.labels), BLOCK):
                with self.turn:  # for each block, because a test set can take a minute
                    images = test_set.take(slice(start, start + BLOCK))
                    logits = predict_logits(network, images, card.recipe.pixel_scale)
                    blocks.append(Predictions.of(logits))
            return Predictions(*map(np.concatenate, zip(*blocks, strict=True)))

        return self._predictions.get(model_id, [], compute)

    def replay(self, model_id: str) -> Replay:
        """Return what opens the steps of a model's training.

        Raises
        ------
        StepsNotKeptError
            The model has no record of its steps.
        ConflictError
            Its data set has been deleted.
        """

        def compute() -> Replay:
            card, record = self._models.load_steps(model_id)
            if record is None:
                raise StepsNotKeptError(
                    f"the steps of model {model_id} were not kept: train its recipe again, with a "
                    "version of Stepbox that keeps them, and a network of at most 4 million "
                    "parameters (8 million in 32-bit floats)"
                )
            _, network = self._models.load(model_id)
            with self.turn:
                return Replay(card.recipe, self._train_set(card), record, network)

        return self._replays.get(model_id, [], compute)

    def angles(self, model_id: str) -> list[Array] | None:
        """Return the angles of the published gradient along a model's training."""

        def compute() -> list[Array] | None:
            replay = self.replay(model_id)
            with replay.lock, self.turn:
                return angles(replay)

        return self._angles.get(model_id, [], compute)

    def jumps(self, model_id: str) -> Jumps:
        """Return the steps of a model's training that are worth a look; raises as `replay` does."""

        def compute() -> Jumps:
            replay = self.replay(model_id)
            with self.turn:
                return jumps(replay.record, replay.course)

        return self._jumps.get(model_id, [], compute)

    def loss_curve(self, model_id: str, losses: Array, every: int) -> LossCurve:
        """Summarize the losses of groups of `every` steps of a model's training."""

        def compute() -> LossCurve:
            with self.turn:
                return loss_curve(losses, every)

        return self._curves.get(f"{model_id}/{every}", [], compute)

    def histograms(self, model_id: str) -> list[LayerHistogram]:
        """Return the distribution of the weights in each layer, before and after training."""

        def compute() -> list[LayerHistogram]:
            with self.turn:
                _, initial = self._models.load_initial(model_id)
                return weight_histograms(initial, self._models.load(model_id)[1])

        return self._histograms.get(model_id, [], compute)

    def layer_weights(self, model_id: str, layer: int) -> LayerWeights:
        """Return the weights of a layer that has some, before and after training."""

        def compute() -> LayerWeights:
            with self.turn:
                _, initial = self._models.load_initial(model_id)
                card, trained = self._models.load(model_id)
                before, after = (
                    network.layers[layer].arrays["weight"] for network in (initial, trained)
                )
                before, after = (
                    in_shape(weights, card.layers[layer]) for weights in (before, after)
                )
                return LayerWeights(before, after, *most_changed(before, after))

        return self._weights.get(f"{model_id}/{layer}", [], compute)

    def projection(self, model_id: str, layer: int) -> list[ProjectedLayer]:
        """Return the first test images as a layer represents them, before and after training.

        `layer` is that of `stepbox.analysis.projection.representation`.
        """

        def compute() -> list[ProjectedLayer]:
            with self.turn:
                _, initial = self._models.load_initial(model_id)
                card, trained = self._models.load(model_id)
                values = [card.layers[0].inputs, *(spec.outputs for spec in card.layers)][layer]
                count = min(PROJECTED, max(2, PROJECTED_VALUES // values))
                images = self._test_set(card).take(slice(count))
                projected = []
                for network in (initial, trained):
                    inputs = scale_pixels(images, card.recipe.pixel_scale, network.dtype)
                    samples = representation(network, inputs, layer)
                    projection = principal_components(samples)
                    projected.append(ProjectedLayer(projection, projection.points(samples)))
                return projected

        return self._projections.get(f"{model_id}/{layer}", [], compute)
