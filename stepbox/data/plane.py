"""Data sets of points in the plane that a request describes: generated ones, and a user's own.

Each is made in memory, in a few milliseconds. A third of the points is for testing only.
"""

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Self

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from stepbox.data.dataset import (
    DATASET_FORMAT,
    DATASET_NAME,
    LABEL_DTYPE,
    Dataset,
    DatasetSpec,
    Split,
    SplitSpec,
    split_sha256,
)
from stepbox.data.shapes import SHAPES, Classes, ShapeName, draw_points
from stepbox.errors import INVALID_FIELD
from stepbox.nn.activations import Array

SHARE = 3  # one point in so many is for testing only
MOST_POINTS = 10_000  # of a generated data set
MOST_OWN_POINTS = 1000
MOST_PLANE_CLASSES = 10
LARGEST_COORDINATE = 1000
COLUMNS = ("x", "y")

Points = tuple[Array, Classes]  # of shape (n, 2) and (n,)
Coordinate = Annotated[float, Field(ge=-LARGEST_COORDINATE, le=LARGEST_COORDINATE)]
OwnPoint = Annotated[
    tuple[Coordinate, Coordinate, Annotated[int, Field(ge=0, le=MOST_PLANE_CLASSES - 1)]],
    Field(strict=False),  # JSON has arrays, not tuples
]

_NAME = re.compile(
    r"(?P<generate>[a-z]+)-(?P<classes>\d+)-(?P<samples>\d+)-noise(?P<noise>[\d.e-]+)-seed(?P<seed>\d+)"
)


class PlaneData(BaseModel, ABC):
    """Points of the plane with classes, as a request describes them."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @property
    @abstractmethod
    def name(self) -> str:
        """The name of the data set. Data sets with different points have different names."""

    @property
    @abstractmethod
    def title(self) -> str:
        """The name that people read."""

    @abstractmethod
    def parts(self) -> tuple[dict[Split, Points], int]:
        """Return the points of both splits, and the number of classes."""

    def splits(self) -> dict[Split, Dataset]:
        """Make both splits of the data set."""
        parts, classes = self.parts()
        arrays = {
            split: (points, labels.astype(LABEL_DTYPE)) for split, (points, labels) in parts.items()
        }
        known = {
            split: SplitSpec(
                samples=len(labels),
                per_class=tuple(np.bincount(labels, minlength=classes).tolist()),
                sha256=split_sha256(points, labels),
            )
            for split, (points, labels) in arrays.items()
        }
        spec = DatasetSpec(
            name=self.name,
            title=self.title,
            kind="vectors",
            shape=(2,),
            classes=tuple(map(str, range(classes))),
            columns=COLUMNS,
            train=known["train"],
            test=known["test"],
            created_at=datetime.now(UTC),
        )
        spec = spec.model_copy(update={"id": spec.content_id})
        return {split: Dataset(spec, *of_split) for split, of_split in arrays.items()}


class GeneratedData(PlaneData):
    """A generated data set: random points in a well-known shape."""

    generate: ShapeName = Field(description="The shape.")
    classes: int = Field(
        default_factory=lambda: 2,  # if the shape is not valid; otherwise, see `_complete`
        ge=2,
        le=MOST_PLANE_CLASSES,
        description="Number of classes: 2 to 10 in `spiral` (3 if omitted) and `blobs` (4 if "
        "omitted), and 2 in the others.",
    )
    samples: int = Field(
        300,
        ge=30,
        le=MOST_POINTS,
        description="Number of points. A third of them is for testing only.",
    )
    noise: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Standard deviation of the normal noise that is added to each coordinate.",
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Seed of the points.")

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: Any) -> Any:
        """Add the number of classes that a shape has by default."""
        name = given.get("generate") if isinstance(given, Mapping) else None
        known = isinstance(name, str) and name in SHAPES
        return {"classes": SHAPES[name].classes, **given} if known else given  # type: ignore[index]

    @field_validator("classes")
    @classmethod
    def _has_as_many_classes(cls, classes: int, info: Any) -> int:
        shape = info.data.get("generate")
        if shape is not None and classes > SHAPES[shape].most_classes:
            raise PydanticCustomError(INVALID_FIELD, "{text}", {"text": f"Must be 2 in {shape}"})
        return classes

    @property
    def name(self) -> str:
        """The name, from which `of_name` reads all fields again."""
        return f"{self.generate}-{self.classes}-{self.samples}-noise{self.noise!r}-seed{self.seed}"

    @classmethod
    def of_name(cls, name: str) -> Self | None:
        """Return the data set that has a name such as `spiral-3-300-noise0.1-seed0`, if any."""
        found = _NAME.fullmatch(name)
        if not found:
            return None
        try:
            data = cls.model_validate(found.groupdict(), strict=False)
        except ValidationError:
            return None
        return data if data.name == name else None

    @property
    def title(self) -> str:
        """The shape, and what differs from the defaults."""
        plain = type(self)(generate=self.generate)
        words = {
            "classes": f"{self.classes} classes",
            "samples": f"{self.samples:,} points",
            "noise": f"noise {self.noise:g}",
            "seed": f"seed {self.seed}",
        }
        differ = (words[name] for name in words if getattr(self, name) != getattr(plain, name))
        return ", ".join([SHAPES[self.generate].title, *differ])

    def parts(self) -> tuple[dict[Split, Points], int]:
        """Draw the points. The last third of them is for testing: all are drawn independently."""
        points, labels = draw_points(
            self.generate, self.classes, self.samples, self.noise, self.seed
        )
        trained = self.samples - self.samples // SHARE
        return {
            "train": (points[:trained], labels[:trained]),
            "test": (points[trained:], labels[trained:]),
        }, self.classes


class OwnPoints(PlaneData):
    """Points that a user gives. Every third one, in their order, is for testing only."""

    points: Annotated[
        tuple[OwnPoint, ...], Field(min_length=SHARE, max_length=MOST_OWN_POINTS, strict=False)
    ] = Field(
        description="The points, each as [x, y, class]. Classes count from 0. The third point, the "
        "sixth, and so on are for testing only; the others have at least two classes.",
        json_schema_extra={"example": [[-0.5, 0.2, 0], [0.5, 0.1, 1], [0.4, -0.3, 1]]},
    )

    @field_validator("points")
    @classmethod
    def _have_two_classes(cls, points: tuple[OwnPoint, ...]) -> tuple[OwnPoint, ...]:
        trained = (point for n, point in enumerate(points, 1) if n % SHARE)
        if len({label for _, _, label in trained}) < 2:
            text = (
                "Enter points of at least two classes, not counting every third point, which is "
                "for testing only"
            )
            raise PydanticCustomError(INVALID_FIELD, "{text}", {"text": text})
        return points

    @property
    def name(self) -> str:
        """A name that follows from the points."""
        text = json.dumps(self.points)
        return f"points-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    @property
    def title(self) -> str:
        """The number of points."""
        return f"{len(self.points):,} given points"

    def parts(self) -> tuple[dict[Split, Points], int]:
        """Divide the points."""
        table = np.array(self.points, np.float64)
        points, labels = table[:, :2] + 0.0, table[:, 2].astype(np.int64)  # −0 becomes 0
        tested = np.arange(1, len(labels) + 1) % SHARE == 0
        return {
            "train": (points[~tested], labels[~tested]),
            "test": (points[tested], labels[tested]),
        }, int(labels.max()) + 1


def _tag(given: Any) -> str | None:
    """Tell what describes a data set: a name, or one of the classes of this module."""
    if isinstance(given, str):
        return "name"
    if isinstance(given, OwnPoints) or (isinstance(given, Mapping) and "points" in given):
        return "points"
    return "generate" if isinstance(given, GeneratedData | Mapping) else None


DatasetChoice = Annotated[
    Annotated[
        str,
        Field(pattern=f"^{DATASET_NAME.pattern}$", json_schema_extra={"format": DATASET_FORMAT}),
        Tag("name"),
    ]
    | Annotated[GeneratedData, Tag("generate")]
    | Annotated[OwnPoints, Tag("points")],
    Discriminator(
        _tag,
        custom_error_type=INVALID_FIELD,
        custom_error_message="Enter the name or the id of a data set, or an object with "
        "`generate` or with `points`",
    ),
]
