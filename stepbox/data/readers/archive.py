"""Read zip and tar files: folders of images, one per class, or a few data files.

    apple/1.jpg                    classes; Stepbox splits the samples
    train/apple/1.jpg              a training part, and
    test/apple/2.jpg               a test part

Folders around all others are skipped, so ``fruit/apple/1.jpg`` is the same as ``apple/1.jpg``.
``val/`` is the test part if there is no ``test/``. Otherwise its images join the training part. A
warning says so.

The order of the samples is that of the file names, then of the class names, both in natural order.
It does not depend on how the archive was made.
"""

from array import array
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stepbox.data.readers.folders import Folders
from stepbox.data.readers.member import Archive
from stepbox.data.readers.names import (
    ARCHIVES,
    DATA,
    DOCUMENTS,
    is_image,
    is_junk,
    natural_key,
    rejected,
    split_name,
)
from stepbox.data.readers.part import Limits, Part, no_labels
from stepbox.data.readers.tar_index import TarArchive
from stepbox.data.readers.zip_index import ZipArchive

FILES_PER_BLOCK = 256  # between two calls of `Limits.proceed`
MOST_IMAGE_BYTES = 64 * 2**20  # 25 million pixels, the most that are decoded, rarely take more
MOST_DATA_FILES = 64  # the parts of a data set; Hugging Face writes one Parquet file per 500 MB
_SHOWN = 5  # names in a warning


class ArchivedImages:
    """Images in an archive, which are read one at a time.

    Parameters
    ----------
    path
        The archive.
    positions
        Position of each image's header, in the order of the samples.
    limits
        The limits with which the archive was indexed.
    """

    def __init__(self, path: Path, positions: NDArray[np.int64], limits: Limits) -> None:
        self._path = path
        self._positions = positions
        self._limits = limits

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._positions)

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Yield the name of each image, with its folders, and its content.

        Raises
        ------
        InvalidInputError
            The archive itself is damaged, for instance because a checksum is wrong.
        """
        with closing(_open(self._path, self._limits)) as archive:
            for position in self._positions:
                member = archive.member(int(position))
                yield member.name, b"".join(archive.chunks(member))


class _Index:
    """The files of an archive, from its headers. It takes up to 200 bytes for each image."""

    def __init__(self, archive: Archive, limits: Limits) -> None:
        self.folders = Folders(limits.classes, limits.labels)
        self.folder_of = array("i")
        self.keys: list[str] = []  # of the file names, without folders
        self.positions = array("q")
        self.data: list[str] = []
        self.documents: list[str] = []
        self.others = 0
        self._extents = array("q")  # start and stored bytes of each file
        self._limits = limits
        self._bytes = 0
        for member in archive:
            path = split_name(member.name)
            if is_junk(path):
                continue
            if len(self.positions) % FILES_PER_BLOCK == 0:
                limits.proceed()
            self._check(member.name, member.bytes)
            self._extents.extend((member.start, member.stored_bytes))
            name = path[-1].lower()
            if name.endswith(ARCHIVES) or name.endswith(".tar.gz"):
                raise rejected(f"has an archive in it: {member.name[:100]!r}. Unpack it first")
            if name.removesuffix(".gz").endswith(DATA):
                self.data.append(member.name)
            elif name.endswith(DOCUMENTS):
                self.documents.append(member.name)
            else:
                if not is_image(name):
                    self.others += 1
                elif member.bytes > MOST_IMAGE_BYTES:
                    raise rejected(
                        f"has an image of {member.bytes:,} bytes: {member.name[:100]!r}. At most "
                        f"{MOST_IMAGE_BYTES:,} are allowed"
                    )
                self.folder_of.append(self.folders.number(path[:-1], member.name))
                self.keys.append(f"{natural_key(path[-1])}\0{path[-1]}")
                self.positions.append(member.position)
        self._check_overlaps()

    def _check(self, name: str, size: int) -> None:
        limits = self._limits
        if len(self._extents) // 2 >= limits.samples:
            raise rejected(f"has more than {limits.samples:,} files, which is the limit")
        self._bytes += size
        if self._bytes > limits.bytes:
            raise rejected(
                f"has more than {limits.bytes:,} bytes when unpacked, which is the limit; "
                f"it is exceeded at {name[:100]!r}"
            )

    def _check_overlaps(self) -> None:
        """Reject files that share bytes: some zip bombs use the same bytes thousands of times."""
        starts, sizes = np.frombuffer(self._extents, np.int64).reshape(-1, 2).T
        order = np.argsort(starts, kind="stable")
        starts = starts[order]
        if (starts[:-1] + np.maximum(sizes[order[:-1]], 1) > starts[1:]).any():
            raise rejected("has files that overlap, as in a zip bomb")


def read_archive(path: Path, scratch: Path, limits: Limits) -> list[Part]:
    """Read an archive of images, with one folder per class.

    Parameters
    ----------
    path
        A zip file, or a tar file that is not compressed.
    scratch
        Not used: images are read from the archive itself.
    limits
        Reject an archive over these limits, from its headers.

    Returns
    -------
    list[Part]
        One part, which Stepbox has to split; or the training and the test part. The labels are
        the names of the folders.

    Raises
    ------
    InvalidInputError
        The archive is damaged, hostile, over a limit, or does not have one folder per class.
    """
    del scratch
    with closing(_open(path, limits)) as archive:
        index = _Index(archive, limits)
    if not index.keys:
        advice = (
            "Put the images of each class into a folder, and zip these"
            if limits.labels
            else ("Zip the image files, in a folder or without one")
        )
        raise rejected(f"has no images. {advice}")
    if not limits.labels and len(index.folders) == 1:
        order = sorted(range(len(index.keys)), key=index.keys.__getitem__)
        _check_unique(order, index)
        found = np.frombuffer(index.positions, np.int64)[order]
        return [Part(None, no_labels(len(order)), ArchivedImages(path, found, limits))]
    layout = index.folders.layout()
    warnings = [*layout.warnings]
    ignored = sorted(index.documents + index.data, key=natural_key)
    if ignored:
        shown = ", ".join(repr(name[:100]) for name in ignored[:_SHOWN])
        more = f" and {len(ignored) - _SHOWN:,} more" if len(ignored) > _SHOWN else ""
        warnings.append(f"Files that are not images are ignored: {shown}{more}.")
    folder_of = np.frombuffer(index.folder_of, np.int32)
    positions = np.frombuffer(index.positions, np.int64)
    parts: list[Part] = []
    for split, classes in layout.splits:
        classes_of = np.empty(len(index.folders), object)
        rank = np.full(len(index.folders), -1)
        for place, (folder, name) in enumerate(classes):
            classes_of[folder], rank[folder] = name, place
        places = rank[folder_of]
        mine = np.flatnonzero(places >= 0)
        order = mine[np.argsort(places[mine], kind="stable")].tolist()
        order.sort(key=index.keys.__getitem__)
        _check_unique(order, index)
        labels = classes_of[folder_of[order]]
        samples = ArchivedImages(path, positions[order], limits)
        parts.append(Part(split, labels, samples, warnings=warnings if not parts else []))
    return parts


def _check_unique(order: list[int], index: _Index) -> None:
    for before, after in pairwise(order):
        same_folder = index.folder_of[before] == index.folder_of[after]
        if same_folder and index.keys[before] == index.keys[after]:
            name = index.keys[after].partition("\0")[2]
            raise rejected(f"has two files with the same name: {name[:100]!r}")


def list_data_files(path: Path, limits: Limits) -> list[str]:
    """List the data files of an archive: CSV, .npz, IDX and Parquet, and gzip of each.

    Returns
    -------
    list[str]
        Their names, in natural order. Empty if the archive has images: `read_archive` reads it.

    Raises
    ------
    InvalidInputError
        The archive is damaged, hostile or over a limit, or has too many data files.
    """
    with closing(_open(path, limits)) as archive:
        index = _Index(archive, limits)
    if len(index.keys) > index.others:
        return []
    if index.others and index.data:
        raise rejected("has data files beside files of an unknown format")
    if len(index.data) > MOST_DATA_FILES:
        raise rejected(f"has {len(index.data):,} data files: {MOST_DATA_FILES} are allowed")
    if len(set(index.data)) < len(index.data):
        raise rejected("has two files with the same name")
    return sorted(index.data, key=lambda name: (natural_key(name), name))


def extract(path: Path, names: list[str], scratch: Path, limits: Limits) -> list[tuple[str, Path]]:
    """Extract files of an archive that `list_data_files` has listed.

    Parameters
    ----------
    path
        The archive.
    names
        Names of files in it.
    scratch
        An existing folder. The files in it get names of their own.
    limits
        As for `list_data_files`.

    Returns
    -------
    list[tuple[str, Path]]
        Each name, and the file with its content.
    """
    wanted = set(names)
    found: dict[str, Path] = {}
    with closing(_open(path, limits)) as archive:
        for member in archive:
            if member.name in wanted:
                target = scratch / f"{path.name}.member-{len(found)}"
                with target.open("xb") as file:
                    for chunk in archive.chunks(member):
                        file.write(chunk)
                        limits.proceed()
                found[member.name] = target
    return [(name, found[name]) for name in names]


def _open(path: Path, limits: Limits) -> Archive:
    with path.open("rb") as file:
        is_zip = file.read(4) in {b"PK\3\4", b"PK\5\6"}
    return ZipArchive(path, limits.samples) if is_zip else TarArchive(path)
