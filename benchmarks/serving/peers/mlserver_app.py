"""MLServer: two inference workers; the requests use the Open Inference Protocol (JSON, base64)."""

import numpy as np
from mlserver import MLModel
from mlserver.codecs import Base64Codec, NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse
from network import Classifier


class Serving(MLModel):
    """The network as an MLServer runtime."""

    async def load(self) -> bool:
        """Load the network."""
        self.classifier = Classifier()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Return ten probabilities."""
        (image,) = Base64Codec.decode_input(payload.inputs[0])
        probabilities = np.array([self.classifier.probabilities(image)])
        output = NumpyCodec.encode_output("probabilities", probabilities)
        return InferenceResponse(model_name=self.name, outputs=[output])
