"""Make small data sets, and put them into a store as an import does."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from stepbox.data.dataset import Dataset, DatasetSpec, SplitSpec, split_sha256

MADE = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)


def make_dataset(name, shape, classes=3, train=30, test=12, seed=0, **fields):
    """Draw the samples of a data set; return its description, and its arrays by file name."""
    rng = np.random.default_rng(seed)
    kind = fields.pop("kind", "vectors" if len(shape) == 1 else "images")
    arrays, splits = {}, {}
    for split, count in (("train", train), ("test", test)):
        labels = (np.arange(count) % classes).astype("<u2")
        if kind == "images":
            samples = rng.integers(0, 256, (count, *shape), np.uint8)
        else:
            samples = rng.normal(labels[:, None], 1, (count, *shape))
        arrays[f"{split}-samples.npy"], arrays[f"{split}-labels.npy"] = samples, labels
        splits[split] = SplitSpec(
            samples=count,
            per_class=np.bincount(labels, minlength=classes).tolist(),
            sha256=split_sha256(samples, labels),
        )
    fields = {"created_at": MADE, "classes": [f"class {n}" for n in range(classes)], **fields}
    spec = DatasetSpec(name=name, kind=kind, shape=shape, **splits, **fields)
    return spec.model_copy(update={"id": spec.content_id}), arrays


def stage(store, spec, arrays, attempt="attempt", submitted_by=None):
    """Stage a data set as an import does; return its place."""
    with TemporaryDirectory() as folder:
        files = {name: Path(folder) / name for name in arrays}
        for name, array in arrays.items():
            np.save(files[name], array)
        return store.stage(attempt, spec, files, submitted_by)


def add_dataset(store, name, shape, **options):
    """Store a small data set; return its description and its splits."""
    spec, arrays = make_dataset(name, shape, **options)
    splits = {
        split: Dataset(spec, arrays[f"{split}-samples.npy"], arrays[f"{split}-labels.npy"])
        for split in ("train", "test")
    }
    return store.add(splits), splits


def keep_none(name):
    """Say that no unfinished job needs what is swept."""
    return False
