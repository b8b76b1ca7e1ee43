"""The import of an upload, from its file to the files of a data set."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from stepbox.data.dataset import LABEL_DTYPE, DatasetSpec, Split, SplitSpec, split_sha256
from stepbox.data.readers.checks import check_bytes
from stepbox.data.readers.part import Limits
from stepbox.importing.classes import find_classes, rare
from stepbox.importing.inspecting import background_of, compare_splits
from stepbox.importing.one_size import to_one_size
from stepbox.importing.opening import open_upload
from stepbox.importing.options import ImportOptions, ImportProgress, Stage
from stepbox.importing.splitting import Chosen, split_parts

DEFAULT_LIMITS = Limits()
BLOCK_BYTES = 2**22  # copied at a time

# The share of the import that is done when each stage begins, as measured on 70,000 small images.
BEGINS: dict[Stage, float] = {"reading": 0.0, "converting": 0.1, "writing": 0.8, "checking": 0.9}
NEXT: dict[Stage, float] = {"reading": 0.1, "converting": 0.8, "writing": 0.9, "checking": 1.0}


class Progress:
    """How far an import is.

    Parameters
    ----------
    report
        Gets each report. It raises an exception if the import must stop.
    """

    def __init__(self, report: Callable[[ImportProgress], None]) -> None:
        self._report = report
        self._started = time.monotonic()
        self._stage: Stage = "reading"

    def __call__(self, stage: Stage, samples: int = 0, total: int | None = None) -> None:
        """Report a stage, and how many of its samples are done; `total` is None if unknown."""
        self._stage = stage
        within = samples / total if total else 0.0
        fraction = BEGINS[stage] + within * (NEXT[stage] - BEGINS[stage])
        seconds = time.monotonic() - self._started
        self._report(
            ImportProgress(
                stage=stage,
                samples=samples,
                samples_total=total,
                fraction=fraction,
                eta_seconds=seconds / fraction * (1 - fraction) if fraction else None,
            )
        )

    def repeat(self) -> None:
        """Report the current stage again, to learn whether the import must stop."""
        self(self._stage)


def import_upload(
    upload: Path,
    content_type: str,
    options: ImportOptions,
    scratch: Path,
    report: Callable[[ImportProgress], None],
    limits: Limits = DEFAULT_LIMITS,
) -> tuple[DatasetSpec, dict[str, Path]]:
    """Make a data set from an upload.

    Parameters
    ----------
    upload
        The body of the request.
    content_type
        Its content type, which matters only if it is multipart.
    options
        What the user has chosen.
    scratch
        An empty folder, for which the caller cares.
    report
        Gets the progress. It raises an exception if the import must stop.
    limits
        What the upload may contain.

    Returns
    -------
    tuple
        The description of the data set, and its files, as `DatasetStore.stage` takes them. They are
        in the scratch folder.

    Raises
    ------
    InvalidInputError
        No data set can be made from the upload; the error says why.
    """
    progress = Progress(report)
    limits = limits._replace(proceed=progress.repeat)
    progress("reading")
    parts = open_upload(upload, content_type, scratch, limits, options.label)
    parts = to_one_size(
        parts, options, scratch, limits, lambda done, total: progress("converting", done, total)
    )
    classes = find_classes(parts, limits)
    arrays = [np.asarray(part.samples) for part in parts]
    chosen = split_parts([part.split for part in parts], classes.labels, options.test, options.seed)
    check_bytes(sum(array.nbytes for array in arrays), limits)
    total, finished = sum(map(len, arrays)), 0
    files: dict[str, Path] = {}
    splits: dict[Split, SplitSpec] = {}
    written: dict[Split, NDArray[Any]] = {}
    for split, picks in chosen.items():
        labels = np.concatenate([classes.labels[one.part][one.indices] for one in picks])
        samples_file = files[f"{split}-samples.npy"] = scratch / f"{split}-samples.npy"
        for done in _write(samples_file, arrays, picks):
            progress("writing", finished + done, total)
        finished += len(labels)
        labels_file = files[f"{split}-labels.npy"] = scratch / f"{split}-labels.npy"
        np.save(labels_file, labels.astype(LABEL_DTYPE))
        written[split] = np.load(samples_file, mmap_mode="r")
        splits[split] = SplitSpec(
            samples=len(labels),
            per_class=tuple(np.bincount(labels, minlength=len(classes.names)).tolist()),
            sha256=split_sha256(written[split], labels),
        )
    progress("checking", 0, total)
    counts = np.add(splits["train"].per_class, splits["test"].per_class)
    images = written["train"].dtype == np.uint8
    columns = parts[0].columns
    spec = DatasetSpec(
        name=options.name,
        kind="images" if images else "vectors",
        shape=written["train"].shape[1:],
        classes=classes.names,
        columns=None if columns is None else tuple(columns),
        train=splits["train"],
        test=splits["test"],
        background=background_of(written["train"]) if images else None,
        warnings=(
            *dict.fromkeys(warning for part in parts for warning in part.warnings),
            *classes.warnings,
            *rare(classes.names, counts),
            *compare_splits(written["train"], written["test"]),
        ),
        created_at=datetime.now(UTC),
    )
    spec = spec.model_copy(update={"id": spec.content_id})
    progress("checking", total, total)
    return spec, files


def _write(path: Path, arrays: Sequence[NDArray[Any]], picks: Sequence[Chosen]) -> Iterator[int]:
    """Write the chosen samples to a file in NumPy's format; yield how many, after each block."""
    first = arrays[0]
    dtype = np.dtype(np.uint8 if first.dtype == np.uint8 else "<f8")
    shape = (sum(len(one.indices) for one in picks), *first.shape[1:])
    block = max(1, BLOCK_BYTES // max(1, first[:1].nbytes))
    done = 0
    with path.open("xb") as file:
        npy.write_array_header_1_0(
            file, {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        )
        for part, indices in picks:
            for start in range(0, len(indices), block):
                rows = arrays[part][indices[start : start + block]]
                file.write(np.ascontiguousarray(rows, dtype).data)
                done += len(rows)
                yield done
