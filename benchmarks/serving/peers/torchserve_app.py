"""TorchServe: a handler of its own, which gets the raw body."""

from pathlib import Path
from typing import Any

from network import Classifier


class Handler:
    """The network as TorchServe calls it."""

    def initialize(self, context: Any) -> None:
        """Load the network from the archive's own folder."""
        folder = Path(context.system_properties["model_dir"])
        self.classifier = Classifier(str(folder / "weights.safetensors"))

    def handle(self, data: list[dict[str, Any]], context: Any) -> list[list[float]]:
        """Answer each request of a batch with ten probabilities; a batch is of one here."""
        return [self.classifier.probabilities(bytes(request["body"])) for request in data]
