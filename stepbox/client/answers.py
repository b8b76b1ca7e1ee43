"""Answers of the API: JSON objects whose members are attributes.

The reference (docs/reference/responses.md) lists the members of all answers. The classes below
declare those of the most common ones, for type checkers and editors. Members that a later server
adds are attributes, too.
"""

from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]
FINAL = ("succeeded", "failed", "cancelled")


class Answer:
    """A JSON object: ``answer.name`` and ``answer["name"]`` are its member of this name.

    Objects within it are answers, too. `to_json` returns plain dictionaries and lists. Times are
    text, as in ``2026-11-30T12:00:00Z``.
    """

    __slots__ = ("_values",)
    _kinds: ClassVar[dict[str, type]] = {}  # of the objects in it, by member: answers or dict

    def __init_subclass__(cls) -> None:
        cls._kinds = {name: _kind(hint) for name, hint in get_type_hints(cls).items()}

    def __init__(self, values: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_values", values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            members = ", ".join(self._values)
            raise AttributeError(f"the answer has no {name!r}; it has {members}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("answers cannot be changed")

    def __getitem__(self, name: str) -> Any:
        return _wrapped(self._values[name], self._kinds.get(name, Answer))

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._values]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Answer) and self._values == other._values

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._values!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._values,)

    def to_json(self) -> dict[str, Any]:
        """Return the answer as dictionaries and lists."""
        return dict(self._values)


def _wrapped(value: Any, kind: type) -> Any:
    if isinstance(value, Mapping):
        return kind(value)
    return [_wrapped(one, kind) for one in value] if isinstance(value, list) else value


def _kind(hint: Any) -> type:
    """Return the class of the objects that a type hint allows."""
    origin = get_origin(hint)
    if origin is dict:
        return dict
    if origin is not None:
        within = [one for one in get_args(hint) if one is not NoneType]
        return _kind(within[0]) if within else Answer
    return hint if isinstance(hint, type) and issubclass(hint, Answer) else Answer


class Progress(Answer):
    """How far a job is. That of an import has other members than ``fraction``."""

    epoch: int
    epochs: int
    samples: int
    samples_total: int
    fraction: float
    eta_seconds: float | None


class HistoryEntry(Answer):
    """The figures of an epoch."""

    epoch: int
    train_loss: float | None
    test_loss: float | None
    test_accuracy: float | None
    seconds: float
    validation_loss: float | None
    validation_accuracy: float | None


class JobRecord(Answer):
    """A job, as the API describes it."""

    id: str
    kind: str
    status: Status
    recipe: Answer | None
    progress: Progress
    queue_position: int | None
    priority: int
    history: list[HistoryEntry]
    device: str | None
    worker: str | None
    attempts: int
    model: str | None
    dataset: str | None
    error: Answer | None
    submitted_by: str | None
    title: str | None
    notes: str
    tags: list[str]
    created_at: str
    started_at: str | None
    finished_at: str | None

    @property
    def ended(self) -> bool:
        """Whether the status is final."""
        return self.status in FINAL


class JobPage(Answer):
    """A page of jobs, newest first; ``next`` is None in the last one."""

    jobs: list[JobRecord]
    next: str | None


class Trial(Answer):
    """A training of a sweep."""

    number: int
    job: str
    params: dict[str, Any]
    state: Literal["queued", "running", "complete", "pruned", "failed", "cancelled"]
    values: list[float]
    value: float | None
    final: bool
    model: str | None


class SweepRecord(Answer):
    """A sweep, as the API describes it."""

    id: str
    status: Status
    recipe: Answer
    search: Answer
    progress: Answer
    trials: list[Trial]
    best: Trial | None
    winner: Trial | None
    importance: dict[str, float] | None
    model: str | None
    priority: int
    error: Answer | None
    title: str | None
    notes: str
    tags: list[str]
    created_at: str
    started_at: str | None
    finished_at: str | None

    @property
    def ended(self) -> bool:
        """Whether the status is final."""
        return self.status in FINAL


class SweepPage(Answer):
    """A page of sweeps, newest first, without their trials; ``next`` is None in the last one."""

    sweeps: list[SweepRecord]
    next: str | None


class Card(Answer):
    """What a model is, how it was trained and how well it performs."""

    id: str
    job: str
    recipe: Answer
    dataset: Answer
    history: list[HistoryEntry]
    evaluation: Answer
    device: str
    created_at: str
    title: str | None
    notes: str
    tags: list[str]
    classes: list[str]
    parameters: int
    versions: dict[str, str | None]


class ModelPage(Answer):
    """A page of models, newest first; ``next`` is None in the last one."""

    models: list[Card]
    damaged: list[Answer]
    next: str | None


class Aliases(Answer):
    """The ids of models by their aliases; the server computes the second group."""

    aliases: dict[str, str]
    computed: dict[str, str]


class Prediction(Answer):
    """The answer of a model for one sample."""

    index: int
    label: str
    probability: float
    probabilities: list[float]
    logits: list[float]


class Predictions(Answer):
    """The answers of a model, in the order of the samples."""

    model: str
    classes: list[str]
    predictions: list[Prediction]


class DatasetEntry(Answer):
    """A data set."""

    id: str
    name: str
    title: str
    kind: str
    shape: list[int]
    classes: list[str]
    train: Answer
    test: Answer
    warnings: list[str]
    created_at: str | None
    bytes: int


class DatasetList(Answer):
    """All data sets."""

    datasets: list[DatasetEntry]


class RecipeEntry(Answer):
    """A named recipe with all its fields."""

    name: str
    description: str


class RecipeList(Answer):
    """The named recipes."""

    recipes: list[RecipeEntry]
