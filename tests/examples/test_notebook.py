"""The notebook runs from the first cell to the last, without a warning."""

import importlib
import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.processes import ROOT


@pytest.fixture
def notebook():
    return nbformat.read(ROOT / "examples/backprop-by-hand.ipynb", as_version=4)


def test_it_is_stored_without_outputs(notebook):
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


# Jupyter's libraries emit deprecation warnings, and may leave sockets to the garbage collector.
@pytest.mark.slow
@pytest.mark.filterwarnings("default::DeprecationWarning", "default::ResourceWarning")
@pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning")
def test_it_leads_to_95_percent(notebook, monkeypatch):
    data = Path(os.environ.get("STEPBOX_DATA_DIR", ROOT / "data")).resolve()
    monkeypatch.setenv("STEPBOX_DATA_DIR", str(data))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    importlib.import_module("matplotlib.font_manager")  # prints a message the first time
    executed = NotebookClient(notebook, timeout=None, kernel_name="python3").execute(cwd=ROOT)
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    text = "".join(output.text for output in outputs if output.output_type == "stream")
    by_hand, trained, *_ = re.findall(r"([\d.]+)% of the test images are right", text)

    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 5
    assert float(by_hand) > 85
    assert float(trained) > 95
