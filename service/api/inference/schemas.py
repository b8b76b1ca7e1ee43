"""What the Open Inference Protocol's requests and answers hold."""

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
from pydantic_core import PydanticCustomError

from service.api.parameters import Parameters
from service.api.predict.images import MOST_IMAGES

VERSION = "1"  # a model never changes, so it has this one version
HEAD_LENGTH = "Inference-Header-Content-Length"


class ServerLive(BaseModel):
    """The process answers."""

    live: bool


class ServerReady(BaseModel):
    """There is a model to infer with."""

    ready: bool


class ServerMetadata(BaseModel):
    """What this server is."""

    name: str
    version: str
    extensions: list[str] = Field(description="What it knows beyond the protocol.")


class ModelReady(BaseModel):
    """A model's files are whole, and its network is in memory."""

    name: str = Field(description="Id of the model.")
    ready: bool


class TensorMetadata(BaseModel):
    """A tensor that goes in or comes out."""

    name: str
    datatype: str
    shape: list[int] = Field(description="−1 stands for the number of pictures.")


class ModelMetadata(BaseModel):
    """What a model takes and gives."""

    name: str = Field(description="Id of the model, also where it was asked for by an alias.")
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class IndexRequest(BaseModel):
    """Which models to list."""

    model_config = ConfigDict(extra="forbid")

    ready: StrictBool = Field(False, description="Only those that can be inferred with.")


class IndexedModel(BaseModel):
    """A model, and whether it can be inferred with."""

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE"]
    reason: str = Field(description="What is wrong with its files; empty where nothing is.")


class RepositoryIndex(RootModel[list[IndexedModel]]):
    """All models, newest first."""


class InferHeaders(Parameters):
    """Headers of an inference."""

    model_config = ConfigDict(extra="ignore")  # there are always others

    head_length: int | None = Field(
        None,
        alias=HEAD_LENGTH,
        ge=1,
        description="Bytes of the JSON, where a tensor's bytes follow it.",
    )
    encoding: str = Field(
        "",
        alias="Content-Encoding",
        description="`gzip` or `deflate`, for a packed body.",
        json_schema_extra={"enum": ["", "gzip", "deflate"]},  # another one is a 415, not a 422
    )


def _refuse(_: object) -> None:
    raise PydanticCustomError("unsupported", "is not supported here")


Unsupported = Annotated[None, BeforeValidator(_refuse)]


class InputParameters(BaseModel):
    """How an input is sent; what is not known is passed over."""

    model_config = ConfigDict(extra="allow")

    binary_data_size: StrictInt | None = Field(
        None, description="Bytes of the tensor, which then follow the JSON instead of `data`."
    )
    shared_memory_region: Unsupported = None


class InputTensor(BaseModel):
    """The pictures, light on dark; they are taken as they are, neither inverted nor fitted."""

    name: Literal["images"]
    shape: tuple[Annotated[StrictInt, Field(ge=1, le=MOST_IMAGES)], Literal[28], Literal[28]]
    datatype: Literal["UINT8"]
    parameters: InputParameters = InputParameters()
    data: list[Any] | None = Field(
        None, description="Whole numbers from 0 (dark) to 255, flat or nested as the shape is."
    )


class OutputParameters(BaseModel):
    """How an output is wanted; what is not known is passed over."""

    model_config = ConfigDict(extra="allow")

    binary_data: StrictBool | None = Field(
        None, description="As bytes after the JSON; where not given, as `binary_data_output` says."
    )
    classification: Unsupported = None
    shared_memory_region: Unsupported = None


class RequestedOutput(BaseModel):
    """An output that is wanted."""

    name: Literal["probabilities", "logits"]
    parameters: OutputParameters = OutputParameters()


class RequestParameters(BaseModel):
    """How the outputs are wanted; what is not known is passed over."""

    model_config = ConfigDict(extra="allow")

    binary_data_output: StrictBool = Field(
        False, description="All outputs as bytes after the JSON."
    )


class InferenceRequest(BaseModel):
    """Pictures, and which outputs are wanted of them."""

    id: str | None = Field(None, max_length=1000, description="Comes back in the answer.")
    parameters: RequestParameters = RequestParameters()
    inputs: list[InputTensor] = Field(min_length=1, max_length=1)
    outputs: list[RequestedOutput] = Field([], max_length=2, description="By default all.")


class BinarySize(BaseModel):
    """Where an output's numbers are."""

    binary_data_size: int = Field(description="Bytes of the tensor, which follow the JSON.")


class OutputTensor(BaseModel):
    """An output: its numbers, or how many bytes they are."""

    name: str
    datatype: str
    shape: list[int] = Field(min_length=2, max_length=2)
    data: list[float] | None = Field(None, description="The numbers, row by row.")
    parameters: BinarySize | None = None


class InferenceResponse(BaseModel):
    """The outputs of an inference."""

    model_name: str = Field(description="Id of the model.")
    model_version: str
    id: str | None = Field(None, description="That of the request.")
    outputs: list[OutputTensor]
