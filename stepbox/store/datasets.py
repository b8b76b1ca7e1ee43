"""Data sets, built-in and uploaded ones, which many processes share.

    {id}/train-samples.npy, {id}/train-labels.npy    the arrays of the training split
    {id}/test-samples.npy, {id}/test-labels.npy      the arrays of the test split
    {id}/dataset.json                                the description, a `DatasetSpec`
    .staged/{attempt}/                               the same files of a data set not yet published
    .scratch/{attempt}/                              files of an import in progress

A data set exists once its description exists: it is written last and removed first. The id follows
from the content, so publishing the same content twice changes nothing. A lock keeps
`publish` and `delete` apart: neither leaves a data set half there. Built-in data sets are read
from the data folder.
"""

import io
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from stepbox.data.builtin import DATASETS, load_dataset
from stepbox.data.dataset import DATASET_ID, LABEL_DTYPE, Dataset, DatasetSpec, Split, split_sha256
from stepbox.errors import DamagedModelError, DatasetError, NotFoundError
from stepbox.store.cache import ObjectCache
from stepbox.store.folder import FolderStore

DESCRIPTION = "dataset.json"
SPLITS: tuple[Split, ...] = ("train", "test")
ARRAYS = tuple(f"{split}-{array}.npy" for split in SPLITS for array in ("samples", "labels"))
MOST_DESCRIPTION_BYTES = 2**21  # 1,000 classes and 12,288 columns with long names take 1 MB
MOST_DESCRIPTIONS = 10_000  # in the cache, which counts them


class DatasetStore:
    """Reads and changes data sets.

    A reference to a data set is its id, or its name, which means the newest data set of this name.

    Parameters
    ----------
    folder
        Folder of the uploaded data sets, created with the first of them.
    builtin_folder
        The data folder, which bin/fetch-datasets fills.
    """

    def __init__(self, folder: Path, builtin_folder: Path) -> None:
        self._folder = folder
        self._builtin_folder = builtin_folder
        self._objects = FolderStore(folder)
        self._specs = ObjectCache[DatasetSpec](MOST_DESCRIPTIONS, objects=self._objects)
        self._intact = ObjectCache[bool](MOST_DESCRIPTIONS, objects=self._objects)

    def specs(self) -> list[DatasetSpec]:
        """Return all data sets: the built-in ones, then the others, newest first."""
        found = []
        for name in self._objects.names():
            if DATASET_ID.fullmatch(name):
                try:
                    found.append(self._read(name))
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
            return self._read(reference)
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
        keys = [f"{spec.id}/{split}-{array}.npy" for array in ("samples", "labels")]
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

        depends = [*keys, f"{spec.id}/{DESCRIPTION}"]
        if not self._intact.get(f"{spec.id}/{split}", depends, is_intact):
            raise DatasetError(f"the {split} files of {spec.id} differ from its description")
        return Dataset(spec, samples, np.array(labels))

    def add(self, splits: Mapping[Split, Dataset]) -> DatasetSpec:
        """Store a data set that is in memory, unless the same content is already there.

        Returns
        -------
        DatasetSpec
            The description that the store has.
        """
        spec = splits["train"].spec
        with self._objects.lock():
            try:
                return self.spec(spec.id)
            except (NotFoundError, DatasetError):
                pass
            for split, dataset in splits.items():
                self._objects.put(f"{spec.id}/{split}-samples.npy", _npy(dataset.samples))
                self._objects.put(f"{spec.id}/{split}-labels.npy", _npy(dataset.labels))
            self._objects.put(f"{spec.id}/{DESCRIPTION}", spec.model_dump_json().encode())
            return spec

    def scratch(self, attempt: str) -> Path:
        """Return an empty folder for the files of an import, on the same disk as the store."""
        folder = self._folder / ".scratch" / attempt
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def stage(self, attempt: str, spec: DatasetSpec, files: dict[str, Path]) -> None:
        """Move the files of a data set to a place where the data set is not visible yet.

        Parameters
        ----------
        attempt
            Name of the attempt at a job. Files that are already staged under it are replaced.
        spec
            The description, with the id.
        files
            A file for each name in `ARRAYS`.
        """
        self._objects.delete_all(f".staged/{attempt}")
        for name in ARRAYS:
            self._objects.put_file(f".staged/{attempt}/{name}", files[name])
        self._objects.put(f".staged/{attempt}/{DESCRIPTION}", spec.model_dump_json().encode())
        shutil.rmtree(self._folder / ".scratch" / attempt, ignore_errors=True)

    def is_staged(self, attempt: str) -> bool:
        """Return whether an attempt's data set is staged completely."""
        return self._objects.versions([f".staged/{attempt}/{DESCRIPTION}"]) != [None]

    def publish(self, attempt: str) -> DatasetSpec:
        """Make a staged data set visible, unless the same content already is; return which it is.

        It can be repeated until `discard`, also after a process died during the call.

        Raises
        ------
        NotFoundError
            Nothing is staged under this name, or another call has published it and the data set
            has been deleted since.
        """
        staged = f".staged/{attempt}"
        spec = self._described(f"{staged}/{DESCRIPTION}")
        with self._objects.lock():
            try:
                return self.spec(spec.id)
            except (NotFoundError, DatasetError):
                pass
            for name in ARRAYS:
                if self._objects.versions([f"{staged}/{name}"]) != [None]:
                    self._objects.move(f"{staged}/{name}", f"{spec.id}/{name}")
            if None in self._objects.versions([f"{spec.id}/{name}" for name in ARRAYS]):
                raise NotFoundError(f"the files of {spec.id} have been deleted")
            self._objects.put(f"{spec.id}/{DESCRIPTION}", spec.model_dump_json().encode())
            return spec

    def discard(self, attempt: str) -> None:
        """Remove all files of an attempt at an import."""
        for place in (".staged", ".scratch"):
            self._objects.delete_all(f"{place}/{attempt}")

    def attempts(self) -> list[str]:
        """List the attempts that have staged or scratch files."""
        return sorted({*self._objects.names(".staged"), *self._objects.names(".scratch")})

    def delete(self, id: str) -> None:
        """Remove an uploaded data set.

        Raises
        ------
        NotFoundError
            There is no uploaded data set with this id.
        """
        with self._objects.lock():
            self._read(id)
            self._objects.delete(f"{id}/{DESCRIPTION}")
            self._objects.delete_all(id)

    def sweep(self) -> None:
        """Remove the files that killed deletions left, but not those that `publish` still needs."""
        with self._objects.lock():
            publishing = set()
            for attempt in self._objects.names(".staged"):
                with suppress(NotFoundError, DatasetError):
                    publishing.add(self._described(f".staged/{attempt}/{DESCRIPTION}").id)
            for id in {*filter(DATASET_ID.fullmatch, self._objects.names())} - publishing:
                if self._objects.versions([f"{id}/{DESCRIPTION}"]) == [None]:
                    self._objects.delete_all(id)

    def _read(self, id: str) -> DatasetSpec:
        key = f"{id}/{DESCRIPTION}"
        return self._specs.get(id, [key], lambda: self._described(key))

    def _described(self, key: str) -> DatasetSpec:
        try:
            return DatasetSpec.model_validate_json(self._objects.get(key, MOST_DESCRIPTION_BYTES))
        except FileNotFoundError:
            name = key.split("/")[-2]
            raise NotFoundError(
                f"there is no data set {name!r}; it may have been deleted"
            ) from None
        except (ValidationError, DamagedModelError, OSError) as error:
            raise DatasetError(f"{key} is damaged: {error}") from error

    def _map(self, key: str) -> NDArray[Any]:
        try:
            return self._objects.map_array(key)
        except (DamagedModelError, OSError, ValueError, EOFError) as error:
            raise DatasetError(f"{key} cannot be read: {error}") from error


def _npy(array: NDArray[Any]) -> bytes:
    """Encode an array as a file in NumPy's format."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()
