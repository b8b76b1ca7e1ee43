"""TorchServe: a custom handler that receives the raw body."""

from pathlib import Path
from typing import Any

from network import Classifier


class Handler:
    """The network as a TorchServe handler."""

    def initialize(self, context: Any) -> None:
        """Load the network from the folder of the archive."""
        folder = Path(context.system_properties["model_dir"])
        self.classifier = Classifier(str(folder / "weights.safetensors"))

    def handle(self, data: list[dict[str, Any]], context: Any) -> list[list[float]]:
        """Return ten probabilities for each request of a batch; here, a batch has one request."""
        return [self.classifier.probabilities(bytes(request["body"])) for request in data]
