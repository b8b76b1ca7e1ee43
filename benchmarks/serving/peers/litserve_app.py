"""LitServe: two HTTP servers, its fast queue, and two workers, without batching.

By default, LitServe parses a request as JSON or as a form. A request annotated as a FastAPI body
arrives as raw bytes.
"""

import os
from typing import Annotated, Any

import litserve
from fastapi import Body
from network import Classifier

Png = Annotated[bytes, Body(media_type="image/png")]


class Api(litserve.LitAPI):
    """The three steps of a LitServe request."""

    def setup(self, device: str) -> None:
        """Load the network."""
        self.classifier = Classifier()

    def decode_request(self, request: Png) -> Any:
        """Return the body unchanged."""
        return request

    def predict(self, x: bytes) -> list[float]:
        """Run the network."""
        return self.classifier.probabilities(x)

    def encode_response(self, output: list[float]) -> Any:
        """Return the probabilities unchanged."""
        return output


if __name__ == "__main__":
    server = litserve.LitServer(
        Api(), accelerator="cpu", workers_per_device=2, fast_queue=True, timeout=60
    )
    server.run(
        host="127.0.0.1",
        port=int(os.environ["SERVING_PORT"]),
        num_api_servers=2,
        log_level="warning",
        access_log=False,
        generate_client_file=False,
    )
