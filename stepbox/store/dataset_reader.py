"""Read data sets, built-in and uploaded ones; `stepbox.store.datasets` says where they are."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError

from stepbox.data.builtin import DATASETS, load_dataset
from stepbox.data.dataset import DATASET_ID, LABEL_DTYPE, Dataset, DatasetSpec, Split, split_sha256
from stepbox.errors import DamagedModelError, DatasetError, NotFoundError
from stepbox.store.cache import ObjectCache
from stepbox.store.objects import ObjectStore, object_store

DESCRIPTION = "dataset.json"
MOST_DESCRIPTION_BYTES = 2**21  # 1,000 classes and 12,288 columns with long names take 1 MB
MOST_DESCRIPTIONS = 10_000  # in the cache, which counts them


class Found(NamedTuple):
    """A data set in the store.

    Attributes
    ----------
    spec
        Its description.
    place
        The prefix of its arrays.
    submitted_by
        The owner whose import has published it; None if nobody owns it.
    """

    spec: DatasetSpec
    place: str
    submitted_by: str | None = None


class Publication(BaseModel):
    """What a description has besides a `DatasetSpec`.

    Attributes
    ----------
    files
        The attempt that has the arrays; None in data sets of earlier versions.
    submitted_by
        The owner; None if nobody is, and in data sets of earlier versions.
    """

    files: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")
    submitted_by: str | None = None


class DatasetReader:
    """The data sets in a store, with caches. Many threads and processes may use it at once.

    A reference to a data set is its id, or its name, which means the newest data set of this name.

    Parameters
    ----------
    place
        The object store of the uploaded data sets, or a folder, created with the first of them.
    builtin_folder
        The data folder, which bin/fetch-datasets fills.
    """

    def __init__(self, place: ObjectStore | Path, builtin_folder: Path) -> None:
        self._builtin_folder = builtin_folder
        self._objects = object_store(place)
        self._found = ObjectCache[Found](MOST_DESCRIPTIONS, objects=self._objects)
        self._intact = ObjectCache[bool](MOST_DESCRIPTIONS, objects=self._objects)

    def specs(self) -> list[DatasetSpec]:
        """Return all data sets: the built-in ones, then the others, newest first."""
        found = []
        for name in self._objects.names():
            if DATASET_ID.fullmatch(name):
                try:
                    found.append(self._read(name).spec)
                except (NotFoundError, DatasetError):
                    continue  # deleted meanwhile, not published yet, or damaged
        found.sort(key=lambda spec: (str(spec.created_at), spec.id), reverse=True)
        return [*DATASETS.values(), *found]

    def spec(self, reference: str) -> DatasetSpec:
        """Return the description of a data set.

        Raises
        ------
        NotFoundError
            There is no such data set.
        DatasetError
            Its description is damaged.
        """
        if reference in DATASETS:
            return DATASETS[reference]
        if DATASET_ID.fullmatch(reference):
            for spec in DATASETS.values():
                if spec.id == reference:
                    return spec
            return self._read(reference).spec
        for spec in self.specs():
            if spec.name == reference:
                return spec
        names = ", ".join(sorted({spec.name for spec in self.specs()}))
        raise NotFoundError(f"there is no data set {reference[:80]!r}; there are {names}")

    def load(self, reference: str, split: Split) -> Dataset:
        """Return one split of a data set, after comparing its files with the description.

        The samples of an uploaded data set are a memory map. Its files are hashed only once, unless
        they change, because hashing 1 GB takes about a second. The map is made anew each time:
        while a map exists, the disk space of a deleted file is not free.

        Raises
        ------
        NotFoundError
            There is no such data set.
        DatasetError
            A file is missing, or differs from the description.
        """
        spec = self.spec(reference)
        if spec.checksums:
            return load_dataset(spec.name, split, self._builtin_folder)
        place = self._read(spec.id).place
        keys = [f"{place}/{split}-{array}.npy" for array in ("samples", "labels")]
        try:
            return self._load(spec, split, keys)
        except DatasetError:
            forgotten = [self._objects.forget_local(key) for key in keys]
            if not any(forgotten):
                raise
        self._intact.forget(keys[0])  # the local copies were damaged, perhaps not the objects
        return self._load(spec, split, keys)

    def _load(self, spec: DatasetSpec, split: Split, keys: list[str]) -> Dataset:
        """Map the files of a split, after comparing them with the description."""
        samples, labels = (self._map(key) for key in keys)
        known = spec.split(split)

        def is_intact() -> bool:
            return (
                samples.shape == (known.samples, *spec.shape)
                and samples.dtype == spec.dtype
                and labels.shape == (known.samples,)
                and labels.dtype == LABEL_DTYPE
                and split_sha256(samples, labels) == known.sha256
            )

        if not self._intact.get(keys[0], [*keys, f"{spec.id}/{DESCRIPTION}"], is_intact):
            raise DatasetError(f"the {split} files of {spec.id} differ from its description")
        return Dataset(spec, samples, np.array(labels))

    def is_staged(self, place: str) -> bool:
        """Return whether a place has all files of a data set, published or not."""
        try:
            self._objects.size(f"{place}/{DESCRIPTION}")
        except (FileNotFoundError, DamagedModelError):
            return False
        return True

    def _read(self, id: str) -> Found:
        return self._found.get(id, [f"{id}/{DESCRIPTION}", id], lambda: self._find(id))

    def _find(self, id: str) -> Found:
        """Find a visible data set, without the cache; raises as `spec` does."""
        found = self._described(id)
        try:
            if self.is_staged(found.place):
                return found
            for name in sorted(self._objects.names(id)):
                if self.is_staged(f"{id}/{name}"):
                    return found._replace(place=f"{id}/{name}")
        except OSError as error:
            raise DatasetError(f"{id} cannot be read: {error}") from error
        raise _not_found(id)

    def _described(self, place: str) -> Found:
        """Read the description at a place, which may name another place."""
        key = f"{place}/{DESCRIPTION}"
        try:
            content = self._objects.get(key, MOST_DESCRIPTION_BYTES)
            spec = DatasetSpec.model_validate_json(content)
            published = Publication.model_validate_json(content)
        except FileNotFoundError:
            raise _not_found(place) from None
        except (ValidationError, DamagedModelError, OSError) as error:
            raise DatasetError(f"{key} is damaged: {error}") from error
        id = place.partition("/")[0]
        place = id if published.files is None else f"{id}/{published.files}"
        return Found(spec, place, published.submitted_by)

    def _map(self, key: str) -> NDArray[Any]:
        try:
            return self._objects.map_array(key)
        except (DamagedModelError, OSError, ValueError, EOFError) as error:
            raise DatasetError(f"{key} cannot be read: {error}") from error


def _not_found(place: str) -> NotFoundError:
    return NotFoundError(f"there is no data set {place!r}; it may have been deleted")
