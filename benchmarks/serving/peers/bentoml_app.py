"""BentoML: a service with two workers that accepts the raw body."""

from pathlib import Path
from typing import Annotated

import bentoml
from bentoml.validators import ContentType
from network import Classifier


@bentoml.service(
    workers=2,
    traffic={"timeout": 60},
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)
class Serving:
    """The network as a BentoML service."""

    def __init__(self) -> None:
        self.classifier = Classifier()

    @bentoml.api
    def predict(self, image: Annotated[Path, ContentType("image/png")], /) -> list[float]:
        """Return ten probabilities; BentoML passes the body as the path of a file."""
        return self.classifier.probabilities(image.read_bytes())
