"""BentoML: a service of two workers whose one input is the body itself."""

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
    def predict(self, picture: Annotated[Path, ContentType("image/png")], /) -> list[float]:
        """Answer with ten probabilities; BentoML hands a file over, by its path."""
        return self.classifier.probabilities(picture.read_bytes())
