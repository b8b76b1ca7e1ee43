"""Change the aliases of models: set them, go back to the model before, remove them."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from stepbox.errors import (
    ConflictError,
    DamagedModelError,
    Fault,
    InvalidInputError,
    NotFoundError,
    NotOwnedError,
    StepboxError,
)
from stepbox.store.alias_record import (
    AliasRecord,
    AliasSetting,
    Gate,
    GateFigures,
    record_prefix,
)
from stepbox.store.aliases import alias_faults
from stepbox.store.model import writing
from stepbox.store.parallel import outcomes
from stepbox.store.reader import ModelReader

Judge = Callable[[Gate | None], GateFigures | None]
"""Takes the gate of an alias, and returns the figures of a model; raises an error to refuse it."""

_MakeRecord = Callable[[Mapping[str, str]], AliasRecord]  # takes all aliases


class AliasState(NamedTuple):
    """An alias: the model that it names, its gate, and its history."""

    model: str
    record: AliasRecord


class _GateChangedError(StepboxError):
    """The gate is no longer the one that a model was judged by."""


class AliasedModels(ModelReader):
    """Models whose aliases can be changed. The methods raise StoreError if they cannot write."""

    def alias(self, name: str) -> AliasState:
        """Return an alias; raise NotFoundError if there is none.

        An owner sees the settings of models that the owner sees.
        """
        while True:
            model_id = self._named(self._aliases.read(), name)
            record = self._records.read(name, model_id)
            if self._named(self._aliases.read(), name) == model_id:  # else it has just changed
                break
        if self._owner is not None:
            record = record.model_copy(update={"history": self._seen(record.history)})
        return AliasState(model_id, record)

    def gated_on(self, dataset_id: str) -> list[str]:
        """Return the aliases whose gates name a data set by its id, in the order of their names."""
        present = {*self._objects.names()}
        aliases = self.aliases()
        names = sorted(name for name in aliases if record_prefix(name) in present)

        def gate(name: str) -> Gate | None:
            return self._records.read(name, aliases[name]).gate

        found = []
        for name, outcome in outcomes(gate, names, self._objects.reads_at_once):
            if isinstance(outcome, Exception) and not isinstance(outcome, DamagedModelError):
                raise outcome
            if isinstance(outcome, Gate) and outcome.dataset == dataset_id:
                found.append(name)
        return found

    def set_alias(
        self,
        name: str,
        model_id: str,
        *,
        gate: Gate | Literal["as before"] | None = "as before",
        set_by: str | None = None,
        judge: Judge = lambda gate: None,
    ) -> None:
        """Create an alias of a model, or move the alias from another model to this one.

        Parameters
        ----------
        name
            1 to 63 of ``a-z0-9._-``, the first a letter or digit. It must not begin with
            ``latest`` or have the form of an id.
        model_id
            Id of the model.
        gate
            The gate that the alias has from now on.
        set_by
            Who sets it.
        judge
            Called before the alias is set, and again if its gate has changed meanwhile.

        Raises
        ------
        InvalidInputError
            The name cannot be an alias (``/name``), or the model does not exist (``/model``).
        NotOwnedError
            The model or the alias is not the owner's.
        StoreError, UnavailableError
            The store cannot be written, or does not answer. The alias may have been set all the
            same. Then its gate and its model have both changed, except that an alias that keeps its
            model may already have its new gate. Setting it again is harmless: it only adds an entry
            to the history.
        """

        def setting_of(judged: Gate | None, figures: GateFigures | None) -> _MakeRecord:
            def make_record(aliases: Mapping[str, str]) -> AliasRecord:
                self._check_setting(aliases, name, model_id)
                if gate == "as before" and self._gate_of(aliases, name) != judged:
                    raise _GateChangedError
                record = AliasRecord()
                if name in aliases:
                    record = self._records.read(name, aliases[name])
                setting = AliasSetting(
                    number=0,
                    model=model_id,
                    set_at=datetime.now(UTC),
                    set_by=set_by,
                    figures=figures,
                )
                return record.model_copy(update={"gate": judged}).followed_by(setting)

            return make_record

        while True:
            aliases = self._aliases.read()
            self._check_setting(aliases, name, model_id)
            judged = self._gate_of(aliases, name) if gate == "as before" else gate
            with suppress(_GateChangedError):
                self._change(name, setting_of(judged, judge(judged)))
                return

    def roll_back(self, name: str, *, set_by: str | None = None) -> None:
        """Let an alias name the model that it named before, of those that still exist.

        The gate is not checked: the model was accepted once, and whoever takes back a mistake
        should not wait for an evaluation. Raises NotFoundError if there is no such alias,
        ConflictError if there is no model to go back to, and as `set_alias`.
        """

        def make_record(aliases: Mapping[str, str]) -> AliasRecord:
            record = self._records.read(name, self._named(aliases, name))
            self._check_alias(aliases, name)
            found = record.before(self.is_published)
            if found is None:
                raise ConflictError(
                    f"the alias {name!r} has named no other model before that still exists"
                )
            self._expect(found.model)
            return record.followed_by(
                AliasSetting(
                    number=0,
                    model=found.model,
                    action="rollback",
                    restores=found.number,
                    set_at=datetime.now(UTC),
                    set_by=set_by,
                    figures=found.figures,
                )
            )

        self._change(name, make_record)

    def remove_alias(self, name: str) -> None:
        """Remove an alias, its gate and its history; raises NotFoundError if there is none."""
        keys: list[str] = []

        def remove(aliases: dict[str, str]) -> None:
            self._named(aliases, name)
            self._check_alias(aliases, name)
            keys[:] = self._records.keys(name)
            del aliases[name]

        self._update_aliases(remove)
        self._delete(keys)  # and not the records of an alias that somebody has created since

    def _change(self, name: str, make_record: _MakeRecord) -> None:
        """Store the record that `make_record` returns, and let the alias name its last model.

        After an error, nobody knows whether the alias names this model. So the record stays. If the
        alias does not, the record does not count, and the next change removes it.
        """
        written: list[str] = []
        older: list[str] = []

        def change(aliases: dict[str, str]) -> None:
            self._delete(written)  # in a turn that was over too early
            written.clear()
            record = make_record(aliases)
            older[:] = self._records.keys(name)
            written.append(self._records.write(name, record))
            aliases[name] = record.history[-1].model

        self._update_aliases(change)
        self._delete(older)

    def _delete(self, keys: list[str]) -> None:
        with writing():
            for key in keys:
                self._objects.delete(key)

    def _gate_of(self, aliases: Mapping[str, str], name: str) -> Gate | None:
        return self._records.read(name, aliases[name]).gate if name in aliases else None

    def _named(self, aliases: Mapping[str, str], name: str) -> str:
        """Return the id of the model that an alias names; raise NotFoundError if not seen."""
        if name not in aliases or not self._sees(aliases[name]):
            raise NotFoundError(f"there is no alias {name[:80]!r}")
        return aliases[name]

    def _seen(self, history: tuple[AliasSetting, ...]) -> tuple[AliasSetting, ...]:
        """Return the settings of models that the owner sees, without the names of others."""
        return tuple(
            setting
            if setting.set_by == self._owner
            else setting.model_copy(update={"set_by": None})
            for setting in history
            if self._sees(setting.model)
        )

    def _check_setting(self, aliases: Mapping[str, str], name: str, model_id: str) -> None:
        faults = alias_faults(name)
        try:
            self._expect(model_id)
        except NotFoundError:
            faults.append(Fault("/model", "must be the id of a model that exists"))
        if faults:
            raise InvalidInputError(faults)
        self._check_alias(aliases, name)

    def _check_alias(self, aliases: Mapping[str, str], name: str) -> None:
        """Raise NotOwnedError if an alias names a model that may not be changed."""
        if name in aliases and not self._owns(aliases[name]):
            raise NotOwnedError(f"the alias {name!r} is not yours, so you may not change it")

    def _update_aliases(self, change: Callable[[dict[str, str]], None]) -> None:
        with writing():
            self._aliases.update(change)
