"""What a data set is: `DatasetSpec` describes it, `Dataset` holds the samples of one split."""

import hashlib
import json
import math
import mmap
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, computed_field, model_validator

from stepbox.nn.activations import Array

Split = Literal["train", "test"]
Kind = Literal["images", "vectors"]
PixelScale = Literal["unit", "raw"]
Preparation = Literal["none", "mnist", "fashion-mnist"]
Augmentation = Literal["none", "affine", "distort", "mirror-shift"]

MOST_CLASSES = 1000  # of any data set: a card has a table with a row and a column for each

DATASET_NAME = re.compile("[a-z0-9][a-z0-9._-]{0,59}")
DATASET_FORMAT = "name or id of a data set"  # in words, for JSON schemas
DATASET_ID = re.compile("d-[0-9a-f]{12}")

# A larger memory map is released after each use. Otherwise, the pages of a whole data set would
# count as memory of the process, and a container has a limit.
RELEASED_BYTES = 64 * 2**20
# Samples that are read from a large map before it is released, if they are scattered. The system
# maps much more than the sample that is read: half a megabyte, as `benchmarks.data.training` shows.
SCATTERED = 64


class SplitSpec(BaseModel):
    """What is known about one split of a data set."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    samples: Annotated[int, Field(ge=1)] = Field(description="Number of samples.")
    per_class: tuple[int, ...] = Field(
        (), description="Number of samples of each class, in the order of the classes."
    )
    sha256: str | None = Field(
        None, description="SHA-256 of the samples, followed by the labels; null if not computed."
    )


class DatasetSpec(BaseModel):
    """What is known about a data set. Recipes, cards and the API read it from here.

    To add a data set to the library, define a spec and add it to `stepbox.data.builtin.DATASETS`;
    docs/how-to/add-a-data-set.md shows each step. An import makes the spec of an uploaded one.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        json_schema_extra=lambda schema: schema["properties"].pop("folder", None),
    )

    id: str = Field(
        "",
        description="`d-` and 12 hexadecimal digits, computed from the content: from the kind, the "
        "shape, the classes, and the checksums of both splits.",
    )
    name: str = Field(description="The name in references, such as `mnist`.")
    title: str = Field("", description="The name that people read, such as `MNIST`.")
    kind: Kind = Field(description="`images`, or `vectors` of numbers.")
    shape: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        description="Shape of one sample: [height, width] of grey images, [height, width, 3] of "
        "color images, or [features]."
    )
    classes: tuple[str, ...] = Field(
        description="Names of the classes, in the order of the labels."
    )
    columns: tuple[str, ...] | None = Field(
        None, description="Names of the features of a vector; null if they have none."
    )
    train: SplitSpec = Field(description="The samples to train on.")
    test: SplitSpec = Field(description="The samples to test on.")
    preparation: Preparation = Field(
        "none",
        description="How its images were prepared: as in `mnist`, as in `fashion-mnist`, or "
        "`none`: each whole image was scaled.",
    )
    background: Literal["dark", "light"] | None = Field(
        None,
        description="Whether its images have a dark or a light background; null if they differ.",
    )
    augmentations: tuple[Augmentation, ...] = Field(
        (), description="The values of `augmentation` that make sense for its images."
    )
    warnings: tuple[str, ...] = Field((), description="What to know before training on it.")
    created_at: datetime | None = Field(
        None, description="When it was imported; null if it is built in."
    )
    # The folder of a built-in data set in the data folder; no response has it.
    folder: str | None = Field(None, exclude=True)
    checksums: Mapping[str, str] = Field(
        {},
        description="File → published MD5: images and labels of the training split, then of the "
        "test split. Empty unless it is built in.",
    )

    @model_validator(mode="before")
    @classmethod
    def _name_it(cls, fields: Any) -> Any:
        """Call a data set without an id or a title by its name."""
        if not isinstance(fields, Mapping) or "name" not in fields:
            return fields
        return {"id": fields["name"], "title": fields["name"], **fields}

    @property
    def key(self) -> str:
        """What recipes call it: the name of a built-in data set, the id of any other."""
        return self.name if self.checksums else self.id

    @computed_field(  # type: ignore[prop-decorator]
        description="SHA-256 of the lines that `md5sum` prints for the files of a built-in data "
        "set, or of the content of any other."
    )
    @property
    def checksum(self) -> str:
        """SHA-256 of what identifies the content."""
        lines = "".join(f"{md5}  {file}\n" for file, md5 in self.checksums.items())
        return hashlib.sha256(lines.encode() or self._content()).hexdigest()

    @property
    def content_id(self) -> str:
        """The id that follows from the content: equal content has the same id everywhere."""
        return f"d-{hashlib.sha256(self._content()).hexdigest()[:12]}"

    def _content(self) -> bytes:
        splits = [self.train.sha256, self.test.sha256]
        return json.dumps([self.kind, self.shape, self.classes, *splits]).encode()

    def split(self, split: Split) -> SplitSpec:
        """Return what is known about one split."""
        return self.train if split == "train" else self.test

    @property
    def features(self) -> int:
        """Number of values in one sample."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values: uint8, 0 (black) to 255, in images, and float64 in vectors."""
        return np.dtype(np.uint8 if self.kind == "images" else np.float64)

    @computed_field(  # type: ignore[prop-decorator]
        description="Size of all samples and labels on disk, without the headers of the files."
    )
    @property
    def bytes(self) -> int:
        """Size of all samples and labels on disk, without the headers of the files."""
        samples = self.train.samples + self.test.samples
        return samples * (self.features * self.dtype.itemsize + LABEL_DTYPE.itemsize)


LABEL_DTYPE = np.dtype("<u2")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples of a data set, with their labels.

    Attributes
    ----------
    spec
        The data set that the samples are from.
    samples
        Shape (samples, *spec.shape): uint8 in images, 0 (black) to 255; float64 in vectors.
        It may be a memory map.
    labels
        Shape (samples,), integers: indices into ``spec.classes``.
    """

    spec: DatasetSpec
    samples: NDArray[Any]
    labels: NDArray[np.integer[Any]]

    def __getitem__(self, samples: slice) -> Self:
        """Return a slice of the samples."""
        return type(self)(self.spec, self.samples[samples], self.labels[samples])

    def take(self, indices: NDArray[np.int64] | slice) -> NDArray[Any]:
        """Return a copy of some samples, and release the memory of a large map."""
        if isinstance(indices, slice):
            chosen = np.array(self.samples[indices])
            _release(self.samples)
            return chosen
        if _large_map(self.samples) is None:
            return np.asarray(self.samples[indices])  # already a copy
        chosen = np.empty((len(indices), *self.samples.shape[1:]), self.samples.dtype)
        for start in range(0, len(indices), SCATTERED):
            part = slice(start, start + SCATTERED)
            chosen[part] = self.samples[indices[part]]
            _release(self.samples)
        return chosen


def _large_map(samples: NDArray[Any]) -> mmap.mmap | None:
    """Return the memory map that large samples are a view of, if they are."""
    base: Any = samples
    while isinstance(base, np.ndarray) and base.base is not None:
        base = base.base
    return base if isinstance(base, mmap.mmap) and samples.nbytes > RELEASED_BYTES else None


def _release(samples: NDArray[Any]) -> None:
    """Release the memory of a large map."""
    if (large := _large_map(samples)) is not None:
        large.madvise(mmap.MADV_DONTNEED)


def split_sha256(samples: NDArray[Any], labels: NDArray[np.integer[Any]]) -> str:
    """Compute the checksum of a split.

    Parameters
    ----------
    samples
        Shape (samples, …): uint8, or float64, which is hashed in little-endian order.
    labels
        Shape (samples,), hashed as 16-bit integers in little-endian order.
    """
    digest = hashlib.sha256()
    dtype = samples.dtype.newbyteorder("<")
    block = max(1, 2**22 // max(1, samples[:1].nbytes))
    for start in range(0, len(samples), block):
        digest.update(np.ascontiguousarray(samples[start : start + block], dtype).data)
        _release(samples)
    digest.update(np.ascontiguousarray(labels, LABEL_DTYPE).data)
    return digest.hexdigest()


def scale_pixels(
    images: NDArray[Any], pixel_scale: PixelScale, dtype: DTypeLike = np.float64
) -> Array:
    """Turn images into a network's inputs.

    Parameters
    ----------
    images
        Shape (samples, …), 0..255.
    pixel_scale
        ``unit`` divides by 255, ``raw`` leaves 0..255.
    dtype
        Float type of the result.

    Returns
    -------
    Array
        Shape (samples, features): the values of each image in row-major order.
    """
    inputs: Array = images.reshape(len(images), -1).astype(dtype)
    if pixel_scale == "unit":
        inputs /= 255
    return inputs
