"""Figures of models that take long to compute, cached."""

from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Any, NamedTuple

from numpy.typing import NDArray

from stepbox.analysis.inspection import WeightHistogram, most_changed, weight_histograms
from stepbox.data.builtin import DatasetName
from stepbox.data.dataset import Dataset
from stepbox.images.prepare import FIELD
from stepbox.nn.activations import Array
from stepbox.store.file_cache import FileCache
from stepbox.store.reader import ModelReader
from stepbox.training.evaluation import predict_logits

FIRST_LAYER_BYTES = 32 * 2**20  # two first layers of the widest kind, or eighty usual ones


class FirstLayer(NamedTuple):
    """The first layer's weights, and which of its neurons training changed most.

    Attributes
    ----------
    before, after
        The weights as images, shape (n, 28, 28).
    neurons
        Indices of the neurons, the most changed first.
    changes
        Euclidean distance between the weights of each, in the same order.
    """

    before: Array
    after: Array
    neurons: NDArray[Any]
    changes: Array


class ModelFigures:
    """Figures of models, cached by the id of the model, which is never reused.

    If several threads ask for the same figure, one of them computes it. At most two compute at the
    same time.

    Parameters
    ----------
    models
        The models.
    dataset
        Returns the test half of a data set.

    Attributes
    ----------
    turn
        Semaphore for work that takes much memory.
    """

    def __init__(self, models: ModelReader, dataset: Callable[[DatasetName], Dataset]) -> None:
        self.turn = BoundedSemaphore(2)
        self._models = models
        self._dataset = dataset
        self._logits = FileCache[Array](16)  # 800 kB each
        self._histograms = FileCache[list[WeightHistogram]](256)  # 20 kB each at most
        self._first_layers = FileCache[FirstLayer](
            FIRST_LAYER_BYTES, lambda layer: sum(array.nbytes for array in layer)
        )

    def test_logits(self, model_id: str) -> Array:
        """Return the logits of a model for its test set, shape (10,000, 10)."""

        def compute() -> Array:
            with self.turn:
                card, network = self._models.load(model_id)
                images = self._dataset(card.recipe.dataset).images
                return predict_logits(network, images, card.recipe.pixel_scale)

        return self._logits.get(model_id, [], compute)

    def histograms(self, model_id: str) -> list[WeightHistogram]:
        """Return histograms of each layer's weights, before and after training."""

        def compute() -> list[WeightHistogram]:
            with self.turn:
                _, initial = self._models.load_initial(model_id)
                return weight_histograms(initial, self._models.load(model_id)[1])

        return self._histograms.get(model_id, [], compute)

    def first_layer(self, model_id: str) -> FirstLayer:
        """Return the first layer's weights, before and after training."""

        def compute() -> FirstLayer:
            with self.turn:
                _, initial = self._models.load_initial(model_id)
                _, trained = self._models.load(model_id)
                before, after = (
                    network.weights[0].reshape(-1, FIELD, FIELD) for network in (initial, trained)
                )
                return FirstLayer(before, after, *most_changed(initial, trained))

        return self._first_layers.get(model_id, [], compute)
