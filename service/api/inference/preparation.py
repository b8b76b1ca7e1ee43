"""Prepare the images of a protocol that has no parameters for this."""

from typing import Any

from numpy.typing import NDArray

from service.api.predict.answer import PredictQuery
from service.api.predict.preparation import prepare_images
from service.api.readers.images import Images
from stepbox.store.card import Card

_DEFAULT = PredictQuery()


def prepare_by_default(card: Card, images: Images) -> NDArray[Any]:
    """Prepare images for a model as /predict does by default, shape (n, height, width)."""
    spec = card.recipe.dataset_spec
    return prepare_images(images, spec, _DEFAULT.invert, _DEFAULT.fit).pixels
