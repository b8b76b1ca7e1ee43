"""Data sets, built-in and uploaded ones, which many processes share.

    {id}/{attempt}/train-samples.npy, {id}/{attempt}/train-labels.npy    the training split
    {id}/{attempt}/test-samples.npy, {id}/{attempt}/test-labels.npy      the test split
    {id}/{attempt}/dataset.json    the description, a `DatasetSpec`, the attempt as `files`, and the
                                   owner as `submitted_by`
    {id}/dataset.json              a copy of it: the data set is visible

An attempt stages its files where no other attempt writes, the description last. `publish` writes
one object. In data sets of earlier versions, the arrays are beside that object. Built-in data sets
are read from the data folder.

Many processes may publish, delete and sweep the same data set at once, and each may be paused or
killed anywhere. Nothing is locked, for these reasons:

- The id follows from the content. So all complete attempts have the same arrays, and it does not
  matter which of two publications comes last. The files of the other attempt are not needed.
- `delete` makes the data set invisible first, and then removes the files of the attempt that was
  described, and of no other: its job may be about to publish it. A concurrent publication of
  another attempt comes before the deletion or after it.
- A publication that was paused may describe an attempt whose files have been removed meanwhile, and
  so replace the description of another attempt. The files that a description names are therefore
  only the first choice: any other complete attempt is as good. Without one, the data set is not
  visible, and the next publication replaces the description.
- `sweep` removes an old attempt if a complete one is visible instead of it, or none. It asks first
  whether the job is unfinished, and then what is visible, because a job publishes before it ends.
"""

import io
import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepbox.data.builtin import DATASETS
from stepbox.data.dataset import DATASET_ID, Dataset, DatasetSpec, Split
from stepbox.errors import DatasetError, NotFoundError
from stepbox.store.dataset_reader import DESCRIPTION, DatasetReader, Found, Publication

SPLITS: tuple[Split, ...] = ("train", "test")
ARRAYS = tuple(f"{split}-{array}.npy" for split in SPLITS for array in ("samples", "labels"))

# The files at a place. In earlier versions, the places were {id} and .staged/{attempt}.
FILE = re.compile(
    rf"(?P<place>{DATASET_ID.pattern}/[^/]+|\.staged/[^/]+)/[^/]+"
    rf"|(?P<id>{DATASET_ID.pattern})/[^/]+\.npy"
)


class DatasetStore(DatasetReader):
    """Reads and changes data sets."""

    def add(self, splits: Mapping[Split, Dataset], submitted_by: str | None = None) -> DatasetSpec:
        """Store a data set that is in memory, unless the same content is already there.

        `submitted_by` is the owner; None if nobody is.

        Returns
        -------
        DatasetSpec
            The description that the store has.
        """
        spec = splits["train"].spec
        with suppress(NotFoundError, DatasetError):
            return self.spec(spec.id)
        place = f"{spec.id}/{token_hex(8)}"
        for split, dataset in splits.items():
            self._objects.put(f"{place}/{split}-samples.npy", _npy(dataset.samples))
            self._objects.put(f"{place}/{split}-labels.npy", _npy(dataset.labels))
        self._describe(place, Found(spec, place, submitted_by))
        return self.publish(place)

    def stage(
        self,
        attempt: str,
        spec: DatasetSpec,
        files: Mapping[str, Path],
        submitted_by: str | None = None,
    ) -> str:
        """Move the files of a data set to their place, where it is not visible yet.

        Parameters
        ----------
        attempt
            Name of the attempt at a job, which no other attempt has.
        spec
            The description, with the id.
        files
            A file for each name in `ARRAYS`.
        submitted_by
            The owner; None if nobody is.

        Returns
        -------
        str
            The place: what the other methods call this attempt's data set.
        """
        place = f"{spec.id}/{attempt}"
        for name in ARRAYS:
            self._objects.put_file(f"{place}/{name}", files[name])
        self._describe(place, Found(spec, place, submitted_by))
        return place

    def publish(self, place: str) -> DatasetSpec:
        """Make a staged data set visible, unless the same content already is; return which it is.

        It can be repeated, also after a process died during the call. If the same content is
        visible from another attempt, or is built in, the files at this place are removed.

        Raises
        ------
        NotFoundError
            Nothing is staged at this place, and the same content is not visible.
        """
        id, _, _ = place.partition("/")
        for builtin in DATASETS.values():
            if builtin.id == id:
                self._remove(place)
                return builtin
        with suppress(NotFoundError, DatasetError):
            visible = self._described(id)
            if self.is_staged(visible.place):
                if visible.place != place:
                    self._remove(place)
                return visible.spec
        staged = self._described(place)
        self._describe(id, staged)
        return staged.spec

    def discard(self, place: str) -> None:
        """Remove the files at a place, unless they may be visible."""
        if not self._may_be_visible(place):
            self._remove(place)

    def visible(self) -> dict[str, str | DatasetError]:
        """Map the id of each visible data set to the place of its files, or to what is damaged."""
        found: dict[str, str | DatasetError] = {}
        for id in filter(DATASET_ID.fullmatch, self._objects.names()):
            try:
                found[id] = self._find(id).place
            except NotFoundError:
                continue  # not published yet
            except DatasetError as error:
                found[id] = error
        return found

    def places(self) -> dict[str, float]:
        """Map each place that has files to the time of its last change, in s since 1970."""
        changed: dict[str, float] = {}
        for entry in self._objects.entries():
            if match := FILE.fullmatch(entry.key):
                place = match["place"] or match["id"]
                changed[place] = max(entry.modified, changed.get(place, entry.modified))
        return changed

    def delete(self, id: str) -> None:
        """Remove an uploaded data set.

        Raises
        ------
        NotFoundError
            There is no uploaded data set with this id.
        """
        self._find(id)
        described = self._described(id)
        self._objects.delete(f"{id}/{DESCRIPTION}")
        self._remove(described.place)

    def sweep(self, keep: Callable[[str], bool], age: float) -> None:
        """Remove the files that killed processes and lost attempts have left.

        Parameters
        ----------
        keep
            Tells whether an attempt is one at an unfinished job.
        age
            In seconds. Younger files stay, because they may still be published.
        """
        for place, changed in self.places().items():
            old = time.time() - changed > age
            if old and not keep(attempt_of(place)):
                self.discard(place)
        self._objects.remove_unfinished(age)

    def _may_be_visible(self, place: str) -> bool:
        """Return whether the files at a place may be those of a visible data set."""
        try:
            visible = self._described(place.partition("/")[0])
        except NotFoundError:
            return False
        except DatasetError:
            return True
        return visible.place == place or not self.is_staged(visible.place)

    def _remove(self, place: str) -> None:
        """Remove the files at a place, its description first: the rest is then incomplete."""
        if "/" in place:
            self._objects.delete(f"{place}/{DESCRIPTION}")
            self._objects.delete_all(place)
        else:  # of an earlier version; other attempts are below
            for name in ARRAYS:
                self._objects.delete(f"{place}/{name}")

    def _describe(self, prefix: str, found: Found) -> None:
        """Write the description of a data set below a prefix."""
        published = Publication(files=attempt_of(found.place), submitted_by=found.submitted_by)
        content = found.spec.model_dump(mode="json") | published.model_dump(exclude_none=True)
        self._objects.put(f"{prefix}/{DESCRIPTION}", json.dumps(content).encode())


def attempt_of(place: str) -> str:
    """Return the attempt that has staged the files at a place."""
    return place.rpartition("/")[2]


def _npy(array: NDArray[Any]) -> bytes:
    """Encode an array as a file in NumPy's format."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()
