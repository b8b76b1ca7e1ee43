"""What is known about an alias besides its model: its gate, and the settings before.

    alias-{name}/{number}-{random}.json    the record of an alias

Which model an alias names is in ``aliases.json``, the only document that version 0.2.0 reads and
writes. The record is therefore in an object of its own. Each change writes a new one, while it
holds the turn at ``aliases.json`` and before it changes this document; the older ones are removed
afterwards. So if a process is killed in between, there are two records, and the one that counts is
the newest whose last setting is the model that the alias names. If there is none, somebody who does
not know records has moved the alias.
"""

import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from stepbox.errors import DamagedModelError, Shortfall, invalid_field
from stepbox.store.card import ModelId, Moment
from stepbox.store.objects import ObjectStore
from stepbox.training.report import Count, Report, Share

MOST_SETTINGS = 100  # in a record; the oldest are dropped
MOST_BYTES = 2**20  # limit of the file; a setting takes 500 bytes


class Gate(Report):
    """What a model must achieve before an alias may name it."""

    min_accuracy: Share | None = Field(None, description="Least accuracy, 0 to 1; null for any.")
    max_calibration_error: Share | None = Field(
        None,
        description="Largest `expected_calibration_error`, 0 to 1; null for any.",
    )
    dataset: str | None = Field(
        None,
        description="The data set whose test samples count, by its id, or by its name if it is "
        "built in. Null for the data set of each model.",
    )

    def shortfalls(self, figures: "GateFigures") -> list[Shortfall]:
        """Return the figures of a model that are not good enough."""
        error = figures.expected_calibration_error
        found = []
        if self.min_accuracy is not None and figures.accuracy < self.min_accuracy:
            found.append(Shortfall("accuracy", figures.accuracy, least=self.min_accuracy))
        if self.max_calibration_error is not None and error > self.max_calibration_error:
            most = self.max_calibration_error
            found.append(Shortfall("expected_calibration_error", error, most=most))
        return found

    @model_validator(mode="after")
    def _has_figures(self) -> Self:
        if self.min_accuracy is None and self.max_calibration_error is None:
            raise invalid_field("must have min_accuracy, max_calibration_error, or both")
        return self


class GateFigures(Report):
    """The figures of a model that gates look at, on the test samples of one data set."""

    dataset: str = Field(description="The data set, as in `Gate`.")
    samples: int = Field(ge=1, description="Number of test samples.")
    accuracy: Share = Field(description="Share of right answers, 0 to 1.")
    expected_calibration_error: Share = Field(
        description="Mean of |accuracy − confidence| over the bins, weighted by count, 0 to 1."
    )


class AliasSetting(Report):
    """One setting of an alias."""

    number: Count = Field(description="Number of the setting; each is higher than the one before.")
    model: ModelId
    action: Literal["set", "rollback"] = Field("set", description="How it was set.")
    restores: Count | None = Field(
        None, description="Of a rollback, the `number` of the setting that it went back to."
    )
    set_at: Moment | None = Field(
        None, description="When; null if a version of Stepbox set it that kept no history."
    )
    set_by: str | None = Field(
        None, description="Name of the token that set it; null if it had none."
    )
    figures: GateFigures | None = Field(
        None, description="The figures on which it was decided; null if they are not known."
    )


class AliasRecord(Report):
    """The gate and the history of an alias."""

    gate: Gate | None = Field(None, description="The gate of the alias; null if it has none.")
    history: tuple[AliasSetting, ...] = Field(
        (), description=f"The last {MOST_SETTINGS} settings, the newest last."
    )

    def followed_by(self, setting: AliasSetting) -> Self:
        """Return this record with one more setting, whose number becomes the next one."""
        number = self.history[-1].number + 1 if self.history else 0
        history = (*self.history, setting.model_copy(update={"number": number}))
        return self.model_copy(update={"history": history[-MOST_SETTINGS:]})

    def before(self, can_be_named: Callable[[str], bool]) -> AliasSetting | None:
        """Return the setting that a rollback goes back to; None if there is none.

        It is the last one before the present one with another model that can be named. A rollback
        counts as the setting that it went back to, so that two of them go two settings back.
        """
        by_number = {setting.number: setting for setting in self.history}
        present = self.history[-1]
        number: int | None = present.number
        while number is not None:
            setting = by_number.get(number)
            if setting is not None and setting.restores is not None:
                number = setting.restores
                setting = by_number.get(number)
            other = setting is not None and setting.model != present.model
            if setting is not None and other and can_be_named(setting.model):
                return setting
            number = number - 1 if number > self.history[0].number else None
        return None


class AliasRecords:
    """The records of the aliases in a store. `write` needs the turn at the aliases.

    Parameters
    ----------
    objects
        The store of the models.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def read(self, name: str, model_id: str) -> AliasRecord:
        """Return the record of an alias that names a model; its last setting is of this model."""
        while True:
            with suppress(FileNotFoundError):  # a newer one has just replaced it
                return self._find(name, model_id)

    def _find(self, name: str, model_id: str) -> AliasRecord:
        newest = AliasRecord()
        for key in self.keys(name):
            try:
                record = AliasRecord.model_validate_json(self._objects.get(key, MOST_BYTES))
            except ValidationError as error:
                raise DamagedModelError(f"{key} cannot be read: it is not a record") from error
            if record.history and record.history[-1].model == model_id:
                return record
            newest = record if not newest.history else newest
        return newest.followed_by(AliasSetting(number=0, model=model_id))

    def write(self, name: str, record: AliasRecord) -> str:
        """Store a record, which counts once the alias names its last model. Return its key."""
        keys = self.keys(name)
        number = int(keys[0].rpartition("/")[2][:_DIGITS]) + 1 if keys else 0
        key = f"{record_prefix(name)}/{number:0{_DIGITS}d}-{secrets.token_hex(4)}.json"
        self._objects.put(key, record.model_dump_json(indent=1).encode())
        return key

    def keys(self, name: str) -> list[str]:
        """Return the keys of an alias's records, the newest first."""
        keys = (entry.key for entry in self._objects.entries(record_prefix(name)))
        return sorted(keys, reverse=True)


_DIGITS = 12
_PREFIX = "alias-"


def record_prefix(name: str) -> str:
    """Return the prefix of the records of an alias."""
    return f"{_PREFIX}{name}"


def is_alias_record(key: str) -> bool:
    """Tell whether a key in the store of models is that of the record of an alias."""
    return key.startswith(_PREFIX) and "/" in key
