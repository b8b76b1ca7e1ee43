"""What is found out about models for those who look into them, each thing but once."""

from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Any, NamedTuple

from numpy.typing import NDArray

from stepbox.analysis.inspection import WeightHistogram, most_changed, weight_histograms
from stepbox.data.builtin import DatasetName
from stepbox.data.dataset import Dataset
from stepbox.images.prepare import FIELD
from stepbox.nn.activations import Array
from stepbox.store.cache import ObjectCache
from stepbox.store.models import ModelStore
from stepbox.training.evaluation import predict_logits

FIRST_LAYER_BYTES = 32 * 2**20  # two of the widest, or eighty of the recipes' usual


class FirstLayer(NamedTuple):
    """The first layer's weights, and which of its neurons training changed most.

    Attributes
    ----------
    before, after
        Pictures of weights, shape (n, 28, 28).
    neurons
        Their places, the most changed first.
    changes
        How far each moved, in the same order.
    """

    before: Array
    after: Array
    neurons: NDArray[Any]
    changes: Array


class Findings:
    """Figures of models by id, which never means another model: nothing is computed anew.

    However many ask for a thing at once, one thread computes it, and no more than two compute.

    Parameters
    ----------
    models
        Where the models are.
    dataset
        Gives the test half of a data set.
    """

    def __init__(self, models: ModelStore, dataset: Callable[[DatasetName], Dataset]) -> None:
        self.turn = BoundedSemaphore(2)  # of what holds much memory
        self._models = models
        self._dataset = dataset
        self._logits = ObjectCache[Array](16)  # 800 kB each
        self._histograms = ObjectCache[list[WeightHistogram]](256)  # 20 kB each at most
        self._first_layers = ObjectCache[FirstLayer](
            FIRST_LAYER_BYTES, lambda layer: sum(array.nbytes for array in layer)
        )

    def test_logits(self, model_id: str) -> Array:
        """Return what a model says of its test set, shape (10,000, 10)."""

        def compute() -> Array:
            with self.turn:
                card, network = self._models.load(model_id)
                images = self._dataset(card.recipe.dataset).images
                return predict_logits(network, images, card.recipe.pixel_scale)

        return self._logits.get(model_id, [], compute)

    def histograms(self, model_id: str) -> list[WeightHistogram]:
        """Return how the weights of each layer are spread, before training and after."""

        def compute() -> list[WeightHistogram]:
            with self.turn:
                _, initial = self._models.load_initial(model_id)
                return weight_histograms(initial, self._models.load(model_id)[1])

        return self._histograms.get(model_id, [], compute)

    def first_layer(self, model_id: str) -> FirstLayer:
        """Return the first layer's weights, before training and after."""

        def compute() -> FirstLayer:
            with self.turn:
                _, initial = self._models.load_initial(model_id)
                _, trained = self._models.load(model_id)
                before, after = (
                    network.weights[0].reshape(-1, FIELD, FIELD) for network in (initial, trained)
                )
                return FirstLayer(before, after, *most_changed(initial, trained))

        return self._first_layers.get(model_id, [], compute)
