"""Ray Serve: two replicas with one CPU each, behind its HTTP proxy."""

import os
import signal

import ray
from network import Classifier
from ray import serve
from starlette.requests import Request
from starlette.responses import JSONResponse


@serve.deployment(num_replicas=2, max_ongoing_requests=100, ray_actor_options={"num_cpus": 1})
class Serving:
    """The network as a deployment."""

    def __init__(self) -> None:
        self.classifier = Classifier()

    async def __call__(self, request: Request) -> JSONResponse:
        """Return ten probabilities."""
        return JSONResponse(self.classifier.probabilities(await request.body()))


if __name__ == "__main__":
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["SERVING_PORT"])})
    serve.run(Serving.bind(), route_prefix="/predict", logging_config={"enable_access_log": False})
    signal.pause()
