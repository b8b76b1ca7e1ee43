"""What can be seen of a network while it is trained. Each checkpoint contains it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from stepbox.analysis.inspection import Predictions
from stepbox.nn.activations import Array

if TYPE_CHECKING:  # the API reads the figures, but imports no compiled loops
    from stepbox.training.trainer import Trainer


class LiveFigures(NamedTuple):
    """The weights of the first layer, and what the network predicted for the test set.

    The weights are those of the checkpoint. The predictions are those of the last evaluation, which
    computes them anyway: after `predicted_epoch`.

    Attributes
    ----------
    epochs
        Number of complete epochs.
    samples
        Number of samples seen in the next epoch; 0 between epochs.
    weights
        Weights of the first layer that has some, as in `Network`: batch normalization and the
        standardization of the inputs are folded in.
    predictions
        What the network predicted for the test set.
    predicted_epoch
        The epoch after which it did; 0 is before the training.
    """

    epochs: int
    samples: int
    weights: Array
    predictions: Predictions
    predicted_epoch: int

    @classmethod
    def of(cls, trainer: "Trainer") -> Self | None:
        """Return the figures of a training; None before the first evaluation."""
        if trainer.predictions is None:
            return None
        with np.errstate(over="ignore", invalid="ignore"):  # the loss shows a divergence
            layers = trainer.network().layers
        weights = next(layer.arrays["weight"] for layer in layers if layer.arrays)
        return cls(
            trainer.epochs_done,
            trainer.samples_done,
            weights,
            trainer.predictions,
            trainer.predicted_epoch,
        )

    def arrays(self) -> dict[str, Array]:
        """Return what a checkpoint stores, beside the ``position`` that it has anyway."""
        return {
            "live.weights": self.weights,
            "live.classes": self.predictions.classes.astype(np.int32),
            "live.probabilities": self.predictions.probabilities.astype(np.float32),
            "live.predicted_epoch": np.array([self.predicted_epoch]),
        }

    @classmethod
    def of_state(cls, state: Mapping[str, Array]) -> Self | None:
        """Read the figures of a checkpoint; None if it has none, as those of earlier versions."""
        try:
            epochs, samples = (int(number) for number in state["position"])
            classes = state["live.classes"].astype(np.intp)
            predictions = Predictions(classes, state["live.probabilities"])
            epoch = int(state["live.predicted_epoch"][0])
            return cls(epochs, samples, state["live.weights"], predictions, epoch)
        except KeyError:
            return None

    @property
    def bytes(self) -> int:
        """Size of all arrays."""
        return self.weights.nbytes + sum(array.nbytes for array in self.predictions)
