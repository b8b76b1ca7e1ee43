"""A model of the server, and what programs do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from stepbox.client.answers import Answer, Card, Prediction, Predictions
from stepbox.client.bodies import File, Samples

if TYPE_CHECKING:
    from stepbox.client.client import AsyncClient, Client

C = TypeVar("C", bound="Client | AsyncClient")


class _ModelState(Generic[C]):
    """A model of the server.

    Attributes
    ----------
    ref
        Its id or an alias.
    """

    def __init__(self, client: C, ref: str) -> None:
        self._client = client
        self.ref = ref

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.ref}>"


def _single(answer: Predictions) -> Prediction:
    predictions = answer.predictions
    if len(predictions) != 1:
        raise ValueError(f"there are {len(predictions)} samples: use predict_all")
    return predictions[0]


class ServedModel(_ModelState["Client"]):
    """A model of the server. `Client.model` and `Job.model` return it."""

    def card(self) -> Card:
        """Read the card."""
        return self._client.models.get(self.ref)

    def predict(self, sample: File | Samples, **options: Any) -> Prediction:
        """Classify one sample, for example ``predict("seven.png").label``."""
        return _single(self.predict_all(sample, **options))

    def predict_all(self, samples: Samples, **options: Any) -> Predictions:
        """Classify samples; the options are those of `Predicting.predict`."""
        return self._client.predicting.predict(samples, model=self.ref, **options)

    def taught(self, sample: Samples, **options: Any) -> Answer:
        """Find the steps of the training that changed the loss of a sample most."""
        return self._client.predicting.taught(sample, model=self.ref, **options)


class AsyncServedModel(_ModelState["AsyncClient"]):
    """A model of the server. See `ServedModel`."""

    async def card(self) -> Card:
        """Read the card."""
        return await self._client.models.get(self.ref)

    async def predict(self, sample: File | Samples, **options: Any) -> Prediction:
        """Classify one sample."""
        return _single(await self.predict_all(sample, **options))

    async def predict_all(self, samples: Samples, **options: Any) -> Predictions:
        """Classify samples."""
        return await self._client.predicting.predict(samples, model=self.ref, **options)

    async def taught(self, sample: Samples, **options: Any) -> Answer:
        """Find the steps of the training that changed the loss of a sample most."""
        return await self._client.predicting.taught(sample, model=self.ref, **options)
