"""The fields of the requests and responses of the Open Inference Protocol."""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    StrictBool,
    StrictInt,
)

from service.api.parameters import BodyHeaders
from service.api.readers.images import MOST_IMAGES
from service.api.readers.json_images import DIGIT_ONE
from stepbox.data.dataset import PixelScale
from stepbox.errors import invalid_field

MOST_SIDE = 2**20  # numbers along one axis of a tensor; the model's shape bounds it further
VERSION = "1"  # models never change, so each has one version
HEAD_LENGTH = "Inference-Header-Content-Length"


class ServerLive(BaseModel):
    """The process responds."""

    live: bool


class ServerReady(BaseModel):
    """There is a model for inference."""

    ready: bool


class ServerMetadata(BaseModel):
    """The server."""

    name: str
    version: str
    extensions: list[str] = Field(description="Supported extensions of the protocol.")


class ModelReady(BaseModel):
    """The files of the model are intact, and its network is in memory."""

    name: str = Field(description="Id of the model.")
    ready: bool


class TensorMetadata(BaseModel):
    """An input or an output."""

    name: str
    datatype: str
    shape: list[int] = Field(description="−1 stands for the number of samples.")


class ModelMetadata(BaseModel):
    """The input and the outputs of a model."""

    name: str = Field(description="Id of the model, even if the request named an alias.")
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class IndexRequest(BaseModel, extra="forbid"):
    """Which models to list."""

    ready: StrictBool = Field(False, description="List only models that can be used for inference.")


class IndexedModel(BaseModel):
    """A model, and whether it can be used for inference."""

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE"]
    reason: str = Field(description="What is wrong with its files, or empty.")


class RepositoryIndex(RootModel[list[IndexedModel]]):
    """All models, newest first."""


class InferHeaders(BodyHeaders):
    """The headers of an inference request."""

    head_length: int | None = Field(
        None,
        alias=HEAD_LENGTH,
        ge=1,
        description="Length of the JSON in bytes, if binary data follows it.",
    )


def _refuse(_: object) -> None:
    raise invalid_field("is not supported here")


Unsupported = Annotated[None, BeforeValidator(_refuse)]


class InputParameters(BaseModel, extra="allow"):
    """How an input is sent. Unknown parameters are ignored."""

    binary_data_size: StrictInt | None = Field(
        None, description="Size of the tensor in bytes, if it follows the JSON and replaces `data`."
    )
    shared_memory_region: Unsupported = None


class InputTensor(BaseModel):
    """The samples: numbers, which are used as they are, or image files."""

    name: Literal["images", "inputs"] = Field(
        description="`images`, or `inputs` for a model of vectors."
    )
    shape: list[Annotated[StrictInt, Field(ge=1, le=MOST_SIDE)]] = Field(
        min_length=1,
        max_length=4,
        description=f"[n, height, width], [n, height, width, 3] or [n, features], as the metadata "
        f"of the model says; n is at most {MOST_IMAGES:,}. For BYTES, [n] or [n, 1].",
    )
    datatype: Literal["UINT8", "FP32", "FP64", "BYTES"] = Field(
        description="UINT8 or FP32 for images, FP64 or FP32 for vectors. BYTES are image files, "
        "which are prepared as `/predict` does by default."
    )
    parameters: InputParameters = InputParameters()
    data: list[Any] | None = Field(
        None,
        description="Numbers, flat or nested like the shape (pixels from 0, dark, to 255), or "
        "image files in base64.",
    )


class OutputParameters(BaseModel, extra="allow"):
    """How to send an output. Unknown parameters are ignored."""

    binary_data: StrictBool | None = Field(
        None,
        description="Send it as binary data after the JSON. Default: `binary_data_output`.",
    )
    classification: Unsupported = None
    shared_memory_region: Unsupported = None


class RequestedOutput(BaseModel):
    """A requested output."""

    name: Literal["probabilities", "logits"]
    parameters: OutputParameters = OutputParameters()


class RequestParameters(BaseModel, extra="allow"):
    """How to send the outputs. Unknown parameters are ignored."""

    binary_data_output: StrictBool = Field(
        False, description="Send all outputs as binary data after the JSON."
    )
    scale: PixelScale | None = Field(
        None,
        description="Which number is white: 1 (`unit`) or 255 (`raw`). It is needed if the largest "
        "number is not 0 and at most 1.",
    )


class InferenceRequest(BaseModel):
    """Samples, and the outputs to return for them."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "inputs": [
                    {"name": "images", "shape": [1], "datatype": "BYTES", "data": [DIGIT_ONE]}
                ]
            }
        }
    )

    id: str | None = Field(None, max_length=1000, description="Returned in the response.")
    parameters: RequestParameters = RequestParameters()
    inputs: list[InputTensor] = Field(min_length=1, max_length=1)
    outputs: list[RequestedOutput] = Field([], max_length=2, description="By default, all.")


class BinarySize(BaseModel):
    """The size of a binary output."""

    binary_data_size: int = Field(description="Size of the tensor in bytes. It follows the JSON.")


class OutputTensor(BaseModel):
    """An output: its numbers, or its size if they follow the JSON."""

    name: str
    datatype: str
    shape: list[int] = Field(min_length=2, max_length=2)
    data: list[float] | None = Field(None, description="The numbers, row by row.")
    parameters: BinarySize | None = None


class InferenceResponse(BaseModel):
    """The response to an inference request."""

    model_name: str = Field(description="Id of the model.")
    model_version: str
    id: str | None = Field(None, description="The id of the request.")
    outputs: list[OutputTensor]
