"""Finished models, which many processes share.

    {id}/weights.safetensors    the trained network
    {id}/initial.safetensors    the same network, untrained
    {id}/steps.safetensors      the record of the training's steps, unless there is none
    {id}/card.json              the model's card, with the checksums of these files
    aliases.json                names that people gave to models
    alias-{name}/               the gate and the history of one of these names
    .staged/{attempt}/          the same files of a model that is not published yet

A model exists once its card exists: the card is written last and removed first. So wherever a
process is killed, a model exists completely or not at all, and `publish` can be repeated. Of a
model's files, only the labels in its card ever change. Everything else in the store is ignored.
"""

import re
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from stepbox.errors import ConflictError, NotFoundError
from stepbox.nn.network import Network
from stepbox.store.alias_changes import AliasedModels
from stepbox.store.card import CARD, MODEL_ID, Card, CardDraft
from stepbox.store.model import encode_model, label_card, read_card, writing
from stepbox.store.steps import STEPS
from stepbox.store.weights import INITIAL, WEIGHTS
from stepbox.training.labels import Labels
from stepbox.training.step_record import StepRecord

ATTEMPT = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def new_model_id() -> str:
    """Draw the id of a new model: ``m-`` and twelve hexadecimal digits."""
    return f"m-{secrets.token_hex(6)}"


class ModelStore(AliasedModels):
    """Reads and changes models.

    A finished training calls `stage`. Once it is decided that this attempt publishes the job's
    model, it calls `publish`. If the store cannot be written, for instance on a full disk, these
    two methods raise OSError. The methods that people's requests call raise StoreError.
    """

    def stage(
        self,
        attempt: str,
        draft: CardDraft,
        network: Network,
        initial: Network,
        steps: StepRecord | None = None,
    ) -> Card:
        """Write all files of a model to a place where the model is not visible yet.

        They stay there until `publish`, `discard` or `sweep`.

        Parameters
        ----------
        attempt
            Name of the attempt at a job. Files that are already staged under it are replaced.
        draft
            What the training knows about the model.
        network, initial
            The finished network, and the untrained one.
        steps
            The record of the training's steps, if there is one.

        Returns
        -------
        Card
            The complete card.
        """
        card, files = encode_model(draft, network, initial, steps)
        staged = _staged(attempt)
        self._remove(staged)
        try:
            for name, content in files.items():
                self._objects.put(f"{staged}/{name}", content)
        except BaseException:
            self._remove(staged)
            raise
        return card

    def is_staged(self, attempt: str) -> bool:
        """Return whether an attempt's model is staged completely."""
        return self._loader.exists(_staged(attempt))

    def publish(self, attempt: str, model_id: str, labels: Labels | None = None) -> None:
        """Make a staged model visible. If it is visible already, only remove the staged files.

        Parameters
        ----------
        attempt
            Name under which the model is staged.
        model_id
            The id in the model's draft.
        labels
            What the card says about the run from now on; None leaves the card as it is.

        Raises
        ------
        NotFoundError
            The model is neither staged nor published.
        ConflictError
            Another model with that id exists.
        ValueError
            The name or the id has the wrong form.
        """
        staged = _staged(attempt)
        if not MODEL_ID.fullmatch(model_id):
            raise ValueError(f"{model_id!r} is not the id of a model")
        if self.is_published(model_id):
            self._check_same(staged, model_id)
        else:
            if labels is not None:
                with suppress(FileNotFoundError):  # another call has moved it
                    label_card(self._objects, staged, dict(labels))
            for name in (WEIGHTS, INITIAL, STEPS, CARD):
                try:
                    self._objects.move(f"{staged}/{name}", f"{model_id}/{name}")
                except FileNotFoundError as error:  # there is none, or another call has moved it
                    if name == CARD and not self.is_published(model_id):
                        raise NotFoundError(f"no model is staged as {attempt!r}") from error
        self._remove(staged)

    def discard(self, attempt: str) -> None:
        """Remove the files that are staged under an attempt's name, if there are any."""
        self._remove(_staged(attempt))

    def label(
        self, model_id: str, changes: Mapping[str, Any], before: Callable[[Card], None]
    ) -> Card:
        """Change labels of a model, and return its card.

        Parameters
        ----------
        model_id
            Id of the model.
        changes
            Some of the fields of `Labels`.
        before
            Called with the card before it is changed, while no other process can change or delete
            the model. If it raises, nothing is changed.

        Raises
        ------
        NotFoundError
            There is no model of that id.
        DamagedModelError
            The card is damaged.
        StoreError
            The store cannot be written.
        """
        self._expect(model_id)
        try:
            with writing():
                label_card(self._objects, model_id, changes, before)
        except FileNotFoundError as error:
            raise NotFoundError(f"model {model_id} has just been deleted") from error
        return self._loader.card(model_id)

    def delete(self, model_id: str) -> None:
        """Remove a model.

        Raises
        ------
        NotFoundError
            There is no model of that id.
        ConflictError
            It has aliases.
        StoreError
            The store cannot be written.
        """
        removing = False

        def remove(aliases: dict[str, str]) -> None:
            nonlocal removing
            names = sorted(name for name, target in aliases.items() if target == model_id)
            if names:
                raise ConflictError(
                    f"model {model_id} has the alias {', '.join(names)}: remove that first"
                )
            if not removing:  # else it may already be gone: this turn replaces a lost one
                self._expect(model_id)
            removing = True
            self._remove(model_id)

        self._expect(model_id)
        self._update_aliases(remove)

    def sweep(self, keep: Callable[[str], bool], age: float) -> None:
        """Remove the incomplete models and staged files that killed processes have left.

        Parameters
        ----------
        keep
            Tells whether an unfinished job publishes what is staged under a name.
        age
            In seconds. Younger files stay, because they may still be published.
        """
        # Version 0.1 moved models that it deleted to `.trash`.
        left = [
            f"{top}/{name}" for top in (".staged", ".trash") for name in self._objects.names(top)
        ]
        left += [name for name in self._objects.names() if MODEL_ID.fullmatch(name)]
        for prefix in left:
            if self.is_published(prefix) or time.time() - self._changed_at(prefix) <= age:
                continue
            # In this order: a job may publish this model and end just after it was kept.
            if not keep(prefix.rpartition("/")[2]) and not self.is_published(prefix):
                self._remove(prefix)
        self._objects.remove_unfinished(age)

    def _changed_at(self, prefix: str) -> float:
        """Return when something below a prefix was last changed, in s since 1970."""
        (version,) = self._objects.versions([prefix])  # of a folder; buckets have no time of it
        times = [entry.modified for entry in self._objects.entries(prefix)]
        return max([version[2] / 1e9 if version else 0, *times])

    def _check_same(self, staged: str, model_id: str) -> None:
        """Raise ConflictError if a model is staged that differs from the published one."""
        with suppress(FileNotFoundError):
            cards = [read_card(self._objects, prefix) for prefix in (staged, model_id)]
            if len({(card.id, card.job, card.weights.sha256) for card in cards}) > 1:
                raise ConflictError(f"there is another model {model_id!r}")

    def _remove(self, prefix: str) -> None:
        """Remove the files of a model, its card first."""
        self._objects.delete(f"{prefix}/{CARD}")
        self._objects.delete_all(prefix)


def _staged(attempt: str) -> str:
    """Return the prefix under which an attempt's model is staged."""
    if not ATTEMPT.fullmatch(attempt):
        raise ValueError(f"{attempt!r} cannot name an attempt")
    return f".staged/{attempt}"
