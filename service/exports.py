"""Models as files for other programs, each made once and then cached."""

from collections.abc import Callable

from stepbox.data.dataset import Dataset
from stepbox.errors import ConflictError
from stepbox.exporting.formats import ExportedFile, write_model
from stepbox.exporting.names import Format
from stepbox.store.cache import ObjectCache
from stepbox.store.card import Card
from stepbox.store.models import ModelStore

FILES_BYTES = 64 * 2**20  # for the largest network in one format, or hundreds of the usual ones


class Exports:
    """A cache of exported files by model id. No id is used for two models, so no entry expires.

    If several threads need the same file at once, one of them makes it. `Bound` says how many
    files are made at the same time.

    Parameters
    ----------
    models
        The store of models.
    test_set
        Returns the test set of a model; raises ConflictError if the data set has been deleted.
    """

    def __init__(self, models: ModelStore, test_set: Callable[[Card], Dataset]) -> None:
        self._models = models
        self._test_set = test_set
        self._files = ObjectCache[ExportedFile](FILES_BYTES, lambda file: len(file.content))

    def file(self, model_id: str, format: Format) -> ExportedFile:
        """Return a model as a file; raises as `stepbox.exporting.formats.export` does.

        Raises DatasetError if the test set cannot be read now.
        """

        def write() -> ExportedFile:
            card, network = self._models.load(model_id)

            def test_set() -> Dataset | None:
                try:
                    return self._test_set(card)
                except ConflictError:
                    return None

            return write_model(card, network, format, test_set)

        return self._files.get(f"{model_id}/{format}", [], write)
