"""The formats, and the function that writes a model in one of them."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from stepbox.data.builtin import load_dataset
from stepbox.data.dataset import Dataset, DatasetSpec
from stepbox.errors import DatasetError, InvalidInputError, NotFoundError
from stepbox.exporting.archive import write_zip
from stepbox.exporting.names import FORMATS, Format
from stepbox.exporting.onnx_graph import CheckSamples, write_onnx
from stepbox.exporting.torch_module import write_torch
from stepbox.nn.network import Network
from stepbox.store.card import CardDraft

CHECKED = 1000  # samples whose predictions by an ONNX file are compared with the network's


class Trained(Protocol):
    """A trained network with its card, such as `stepbox.Model`."""

    card: CardDraft
    network: Network


class ExportedFile(NamedTuple):
    """A file that a model was written to.

    Attributes
    ----------
    name
        Its file name.
    content
        Its bytes.
    checked_on
        The samples on which its predictions were compared with the network's, in words; None if
        the format needs no check.
    """

    name: str
    content: bytes
    checked_on: str | None = None


def export(model: Trained, format: Format = "onnx", *, data: str | Path | None = None) -> bytes:
    """Write a model as a file that other programs read, and return its content.

    Within one release, the same model gives the same bytes.

    Parameters
    ----------
    model
        A `stepbox.Model`.
    format
        ``onnx``, ``npz`` (the arrays by their names, for NumPy), or ``torch`` (a zip archive of
        weights and ten lines of Python that load them).
    data
        The data folder, for the test samples that an ONNX file is checked on; by default
        ``$STEPBOX_DATA_DIR``, else ``data``. If the data set is not there, random samples are used.

    Raises
    ------
    InvalidInputError
        There is no such format, or it has no layers of a type of the network (``/format``).
    ExportError
        The ONNX file does not give the predictions of the network.
    StepboxError
        The format is ``onnx``, and `onnx` or `onnxruntime` is not installed.

    Examples
    --------
    >>> from stepbox import train
    >>> run = train("mnist-numpy", epochs=1, hidden_sizes=[8], progress=False)
    >>> import io, numpy as np
    >>> list(np.load(io.BytesIO(export(run, "npz"))))
    ['0.weight', '0.bias', '1.weight', '1.bias']
    """

    def test_set() -> Dataset | None:
        try:
            return load_dataset(model.card.recipe.dataset, "test", data)
        except (NotFoundError, DatasetError):
            return None

    return write_model(model.card, model.network, format, test_set).content


def write_model(
    card: CardDraft, network: Network, format: Format, test_set: Callable[[], Dataset | None]
) -> ExportedFile:
    """Write a model in a format; see `export`.

    `test_set` returns the test set of the model's data set, or None if it is not available. It is
    called only if samples are needed.
    """
    match format:
        case "onnx":
            samples = check_samples(card.dataset, test_set())
            content = write_onnx(card, network, samples)
            return ExportedFile(f"{card.id}.onnx", content, samples.source)
        case "npz":
            return ExportedFile(f"{card.id}.npz", _write_npz(network))
        case "torch":
            return ExportedFile(f"{card.id}-torch.zip", write_torch(card, network))
    raise InvalidInputError.at("/format", f"must be {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")


def check_samples(spec: DatasetSpec, test_set: Dataset | None) -> CheckSamples:
    """Return the first samples of the test set. If it is gone or another, draw random ones."""
    if test_set is not None and test_set.spec.checksum == spec.checksum:
        samples = test_set.take(slice(CHECKED))
        return CheckSamples(samples, f"the first {len(samples):,} test samples of {spec.name}")
    rng = np.random.default_rng(0)
    shape = (CHECKED, *spec.shape)
    drawn: NDArray[Any] = (
        rng.integers(0, 256, shape, np.uint8) if spec.kind == "images" else rng.normal(size=shape)
    )
    return CheckSamples(drawn, f"{CHECKED:,} random samples")


def _write_npz(network: Network) -> bytes:
    files = {}
    for name, array in network.named_arrays().items():
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        files[f"{name}.npy"] = buffer.getvalue()
    return write_zip(files)
