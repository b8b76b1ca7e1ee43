"""Sweeps: many trainings of a recipe, each with other values of some of its fields.

Each of them, a *trial*, is evaluated on the validation samples. The *winner* is the best trial.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field

from stepbox.data.dataset import DatasetSpec
from stepbox.errors import Fault, InvalidInputError
from stepbox.training.recipe import Recipe
from stepbox.training.report import Count, Report, Share
from stepbox.training.request import TrainRequest
from stepbox.training.space import Params, Space

MOST_EPOCHS = 50_000  # of all trials together: a sweep keeps a figure of each

REDUCTION = 4  # ASHA: the best quarter goes on

Metric = Literal["validation_loss", "validation_accuracy"]


def rungs(epochs: int) -> list[int]:
    """List the epochs, up to this one, after which ASHA compares the trials."""
    found, epoch = [], 1
    while epoch <= epochs:
        found.append(epoch)
        epoch *= REDUCTION
    return found


class Search(BaseModel):
    """What a sweep searches, and how."""

    model_config = ConfigDict(frozen=True)

    space: Space = Field(description="The fields of the recipe that vary, each with its values.")
    trials: int = Field(
        20, ge=1, le=500, description="Number of trials. A grid has at most as many as points."
    )
    parallel: int = Field(
        1,
        ge=1,
        le=64,
        description="How many trials may run or wait at the same time. With 1, the sweep depends "
        "only on the request; with more, also on which trials end first.",
    )
    sampler: Literal["tpe", "random", "grid"] = Field(
        "tpe",
        description="How the parameters of a trial are chosen. `tpe`: close to those of the best "
        "trials so far; `random`; `grid`: one combination after the other, the last field the "
        "fastest.",
    )
    pruner: Literal["none", "asha", "median"] = Field(
        "none",
        description="Which trials end early. `asha`: those that are not among the best quarter "
        "after epoch 1, 4, 16, …; `median`: from the sixth on, those that are worse than half of "
        "the complete trials were after the same epoch.",
    )
    metric: Metric = Field(
        "validation_loss",
        description="What is compared, after the last epoch of each trial: the lower loss or the "
        "higher accuracy wins.",
    )
    final: bool = Field(
        True,
        description="Whether the sweep ends with a training of the winner on all training samples, "
        "which makes a model. Without it, `POST /sweeps/{id}/winner` does.",
    )

    @property
    def total(self) -> int:
        """Number of trials."""
        return min(self.trials, self.space.grid_size) if self.sampler == "grid" else self.trials

    def check(self, recipe: Recipe, spec: DatasetSpec) -> None:
        """Raise InvalidInputError unless all trials of a recipe have valid recipes."""
        self.space.check(recipe, spec)
        self._check_winner(recipe, spec)
        if self.sampler == "grid":
            self.space.check_grid()
        domain = self.space.domains.get("epochs")
        epochs = recipe.epochs if domain is None else max(domain.corners.values())
        if self.total * epochs > MOST_EPOCHS:
            detail = f"must leave at most {MOST_EPOCHS:,} epochs in all; a trial has up to {epochs}"
            raise InvalidInputError.at("/trials", detail)

    def _check_winner(self, recipe: Recipe, spec: DatasetSpec) -> None:
        """Check what trains the winner: no samples are held out then."""
        whole = recipe.changed(early_stopping=None, validation=0.0)
        what = "for the winner, on all training samples:"
        try:
            whole.fitted(spec)
        except InvalidInputError as error:
            # The space may replace the values of the other fields.
            varied = {f"/{name}" for name in self.space.domains}
            if faults := [fault for fault in error.faults if fault.pointer not in varied]:
                raise InvalidInputError(
                    [Fault(place, f"{what} {detail}") for place, detail in faults]
                ) from None
        try:
            self.space.check(whole, spec)
        except InvalidInputError as error:
            raise InvalidInputError(
                [Fault(place, f"{what} {detail}") for place, detail in error.faults]
            ) from None

    def asks_after(self, epoch: int) -> bool:
        """Tell whether the pruner may end a trial after this epoch."""
        if self.pruner == "asha":
            return epoch in rungs(epoch)
        return self.pruner != "none"

    def better(self, value: float, other: float) -> bool:
        """Tell whether one value of the metric is better than another."""
        return value < other if self.metric == "validation_loss" else value > other

    def trial_recipe(self, recipe: Recipe, params: Params) -> Recipe:
        """Return the recipe of a trial."""
        return recipe.changed(**self.space.changes(params))

    def winner_recipe(self, recipe: Recipe, params: Params, epochs: int) -> Recipe:
        """Return the recipe that trains the winner on all training samples.

        Parameters
        ----------
        recipe
            That of the sweep.
        params
            The parameters of the winner.
        epochs
            How many epochs it took: fewer than its recipe has if it stopped early.
        """
        trial = self.trial_recipe(recipe, params)
        if trial.early_stopping is not None:
            trial = trial.changed(epochs=epochs, early_stopping=None)
        return trial.changed(validation=0.0)


class SweepRequest(Search, TrainRequest):
    """What to train in a sweep: a recipe as in POST /train, and what to vary."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "recipe": "mnist-numpy",
                "epochs": 1,
                "space": {"learning_rate": {"low": 0.001, "high": 0.3, "log": True}},
                "trials": 5,
            }
        }
    )

    validation: float = Field(
        0.1,
        gt=0,
        le=0.5,
        description="Share of the training samples of each class to hold out, at random. The "
        "trials are compared on them.",
    )

    @classmethod
    def complete(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Add the values of the named recipe."""
        default = cls.model_fields["validation"].default
        return super().complete({"validation": default} | given)

    @property
    def changes(self) -> dict[str, Any]:
        """The fields of the recipe that the request names, and the validation."""
        return super().changes | {"validation": self.validation}

    @property
    def search(self) -> Search:
        """What the sweep searches, without the fields of the recipe."""
        return Search(**{name: getattr(self, name) for name in Search.model_fields})


class SweepProgress(Report):
    """The progress of a sweep."""

    trials_ended: Count = Field(description="Number of the trials that have ended.")
    trials: Count = Field(description="Number of the trials of the sweep.")
    fraction: Share = Field(description="`trials_ended / trials`.")
    eta_seconds: float | None = Field(None, description="Null: it is not known.")


TrialState = Literal["queued", "running", "complete", "pruned", "failed", "cancelled"]


class Trial(Report):
    """What a sweep knows about one of its trials."""

    number: Count = Field(description="Its number in the sweep, from 0.")
    job: str = Field(description="Id of its training. The job may have been deleted.")
    params: Mapping[str, Any] = Field(
        description="The parameters that the sampler has chosen: by the names of their fields, or "
        "`hidden_sizes.count`, `hidden_sizes.0`, … for conditional layers."
    )
    state: TrialState = Field(
        description="`complete`: trained to its end; `pruned`: ended early because others are "
        "better; `failed`, for example because the training diverged; `cancelled` by somebody."
    )
    values: tuple[float, ...] = Field(
        description="The metric of the sweep after each epoch so far, from epoch 1. Empty for the "
        "training of the winner, which holds out no samples."
    )
    final: bool = Field(
        False, description="Whether it is the training of the winner on all training samples."
    )
    model: str | None = Field(
        None, description="Id of the winner's model. Null for trials, and before it succeeds."
    )

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self.state not in ("queued", "running")

    @computed_field(  # type: ignore[prop-decorator]
        description="The metric after the last epoch. Null unless complete."
    )
    @property
    def value(self) -> float | None:
        """The metric of a complete trial; None for the others."""
        return self.values[-1] if self.state == "complete" and self.values else None


def best_of(search: Search, trials: Sequence[Trial]) -> Trial | None:
    """Return the best complete trial, the first of several; None if none is complete."""
    best: Trial | None = None
    for trial in trials:
        value = trial.value
        if value is None:
            continue
        if best is None or best.value is None or search.better(value, best.value):
            best = trial
    return best
