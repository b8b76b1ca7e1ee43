"""LitServe: two workers, two HTTP servers, its fast queue between them, nothing waits for a batch.

It reads a plain request as JSON or a form; annotated as FastAPI's raw body it gets the bytes.
"""

import os
from typing import Annotated, Any

import litserve
from fastapi import Body
from network import Classifier

Picture = Annotated[bytes, Body(media_type="image/png")]


class Api(litserve.LitAPI):
    """The three steps of a LitServe request."""

    def setup(self, device: str) -> None:
        """Load the network."""
        self.classifier = Classifier()

    def decode_request(self, request: Picture) -> Any:
        """Take the body as it is."""
        return request

    def predict(self, x: bytes) -> list[float]:
        """Run the network."""
        return self.classifier.probabilities(x)

    def encode_response(self, output: list[float]) -> Any:
        """Answer with ten probabilities."""
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
