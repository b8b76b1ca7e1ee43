"""Where finished models live: a folder of plain files that many processes share.

Reading and the layout are in `stepbox.store.reader`. Beside the models lie `.staged/`, with those
that may yet be published, `.trash/`, with those on their way out, and `.lock`, which guards the
aliases.
"""

import contextlib
import errno
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from stepbox.errors import ConflictError, Fault, InvalidInputError, NotFoundError, StoreError
from stepbox.nn.network import Network
from stepbox.store.aliases import alias_faults
from stepbox.store.card import MODEL_ID, Card, CardDraft
from stepbox.store.durable import sync_folder, write_file
from stepbox.store.model import encode_model
from stepbox.store.reader import ModelReader

ATTEMPT = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def new_model_id() -> str:
    """Draw the id of a model to be: ``m-`` and twelve hexadecimal digits."""
    return f"m-{secrets.token_hex(6)}"


class ModelStore(ModelReader):
    """The finished models in a folder, which is made with the first one.

    A finished training calls `stage`, then, once it is known to be the one that may, `publish`.
    A disk that is full or read-only gives OSError where a training writes, StoreError where a user
    does; nothing half-written is ever visible.
    """

    def stage(self, attempt: str, draft: CardDraft, network: Network, initial: Network) -> Card:
        """Write all files of a model where nobody sees them as a model yet.

        Parameters
        ----------
        attempt
            Name of the try to finish a job; what an earlier call staged under it is replaced.
        draft
            What its training knows about the model.
        network, initial
            The finished network, and the untrained one.

        Returns
        -------
        Card
            The whole card; all of it is on the disk, until `publish`, `discard` or `sweep`.
        """
        card, files = encode_model(draft, network, initial)
        staged = self._staged_path(attempt)
        unfinished = staged.with_name(f".{secrets.token_hex(8)}")
        unfinished.mkdir(parents=True)
        try:
            for name, content in files.items():
                write_file(unfinished / name, content)
            sync_folder(unfinished)
            self.discard(attempt)
            unfinished.rename(staged)
            sync_folder(staged.parent)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        return card

    def is_staged(self, attempt: str) -> bool:
        """Tell whether an attempt's model is staged, whole."""
        return self._staged_path(attempt).is_dir()

    def is_published(self, model_id: str) -> bool:
        """Tell whether a model is there, whole or damaged."""
        return self._model_path(model_id).is_dir()

    def publish(self, attempt: str, model_id: str) -> None:
        """Make a staged model visible, all of it at once; nothing to do where it already is.

        Parameters
        ----------
        attempt
            Name it is staged under.
        model_id
            The id in its draft.

        Raises
        ------
        NotFoundError
            It is neither staged nor published.
        ConflictError
            Another model with that id is there.
        """
        staged, model = self._staged_path(attempt), self._model_path(model_id)
        try:
            staged.rename(model)
        except FileNotFoundError as error:
            if not model.is_dir():
                raise NotFoundError(f"no model is staged as {attempt!r}") from error
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise ConflictError(f"there is another model {model_id!r}") from error
            raise
        sync_folder(self.folder)

    def discard(self, attempt: str) -> None:
        """Remove what is staged under an attempt's name, if anything is."""
        self._remove(self._staged_path(attempt))

    def delete(self, model_id: str) -> None:
        """Remove a model, for every process at once.

        Raises
        ------
        NotFoundError
            There is no model of that id.
        ConflictError
            Aliases stand for it.
        StoreError
            The folder cannot be written.
        """
        if not MODEL_ID.fullmatch(model_id) or not self.is_published(model_id):
            raise NotFoundError(f"there is no model {model_id[:80]!r}")
        with self._writing(), self._aliases.change() as aliases:
            names = sorted(name for name, target in aliases.items() if target == model_id)
            if names:
                raise ConflictError(
                    f"model {model_id} has the alias {', '.join(names)}: remove that first"
                )
            if not self._remove(self.folder / model_id):
                raise NotFoundError(f"there is no model {model_id!r}")

    def set_alias(self, name: str, model_id: str) -> None:
        """Let a name stand for a model, whatever it stood for before.

        Parameters
        ----------
        name
            1 to 63 of ``a-z0-9._-``, the first a letter or digit; not ``latest…``, and not of an
            id's form.
        model_id
            Id of the model.

        Raises
        ------
        InvalidInputError
            At ``/name`` or ``/model``.
        StoreError
            The folder cannot be written.
        """
        faults = alias_faults(name)
        with self._writing(), self._aliases.change() as aliases:
            if not MODEL_ID.fullmatch(model_id) or not self.is_published(model_id):
                faults.append(Fault("/model", "must be the id of a model that exists"))
            if faults:
                raise InvalidInputError(faults)
            aliases[name] = model_id

    def remove_alias(self, name: str) -> None:
        """Remove an alias; raises NotFoundError where there is none, StoreError as `delete`."""
        with self._writing(), self._aliases.change() as aliases:
            if aliases.pop(name, None) is None:
                raise NotFoundError(f"there is no alias {name[:80]!r}")

    def sweep(self, age: float = 86_400) -> None:
        """Remove what killed processes left behind.

        Parameters
        ----------
        age
            Seconds; what was staged less than that ago may still be published, and stays.
        """
        for staged in self._entries(".staged"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - staged.stat().st_mtime > age:
                    self._remove(staged)
        for removed in self._entries(".trash"):
            shutil.rmtree(removed, ignore_errors=True)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(f"the folder of models cannot be written: {error.strerror}") from error

    def _entries(self, name: str) -> list[Path]:
        folder = self.folder / name
        return list(folder.iterdir()) if folder.is_dir() else []

    def _staged_path(self, attempt: str) -> Path:
        if not ATTEMPT.fullmatch(attempt):
            raise ValueError(f"{attempt!r} cannot name an attempt")
        return self.folder / ".staged" / attempt

    def _model_path(self, model_id: str) -> Path:
        if not MODEL_ID.fullmatch(model_id):
            raise ValueError(f"{model_id!r} is no id of a model")
        return self.folder / model_id

    def _remove(self, path: Path) -> bool:
        """Remove a folder at once, then what was in it; False where there is none."""
        removed = self.folder / ".trash" / secrets.token_hex(8)
        try:
            removed.parent.mkdir(exist_ok=True)
            path.rename(removed)
        except FileNotFoundError:
            return False
        sync_folder(path.parent)
        shutil.rmtree(removed, ignore_errors=True)
        return True
