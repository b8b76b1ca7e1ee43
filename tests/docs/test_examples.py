"""The Python examples of the documentation run, and print the documented output."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stepbox.data.builtin import load_dataset
from stepbox.images.decode import encode_png
from tests.docs.tables import DOCS
from tests.processes import ROOT

DATA = Path(os.environ.get("STEPBOX_DATA_DIR", ROOT / "data")).resolve()
SLOW = "compiled=False"  # blocks with it take minutes, so they are skipped here
CLOSE = 0.002  # rounding errors, and so a few predictions, depend on the processor

pytestmark = pytest.mark.slow


@pytest.fixture
def run_examples(tmp_path):
    """Run the Python blocks of a page in one process, and return the lines that it prints."""
    seven = load_dataset("mnist", "test", DATA).samples[0]
    (tmp_path / "seven.png").write_bytes(encode_png(seven))

    def run(page):
        blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
        done = subprocess.run(
            [sys.executable, "-c", "\n".join(block for block in blocks if SLOW not in block)],
            cwd=tmp_path,
            env=os.environ | {"STEPBOX_DATA_DIR": str(DATA), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


def test_the_example_of_the_readme(run_examples):
    readme = ROOT / "README.md"
    said = re.findall(r"^print\(.*#\s*(.*)$", readme.read_text(), re.MULTILINE)
    printed = run_examples(readme)
    assert float(printed[0]) == pytest.approx(float(said[0]), abs=CLOSE)
    assert printed[1:] == said[1:] == ["7"]


def test_the_tutorial_of_the_library(run_examples):
    *epochs, prediction = run_examples(DOCS / "tutorial" / "library.md")
    assert [line.split()[0] for line in epochs] == ["0", "1", "2", "3"]
    assert float(epochs[-1].split()[1]) == pytest.approx(0.9586, abs=CLOSE)
    assert prediction.startswith("7 0.99")


def test_the_lesson(run_examples):
    for page in sorted((DOCS / "lesson").glob("*.md")):  # each uses the network of the first
        said = re.findall(r"^```text\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
        assert run_examples(page) == "".join(said).splitlines(), page


def test_the_example_of_convolutions(run_examples):
    page = DOCS / "explanation" / "convolutions.md"
    said = re.findall(r"^```text\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    assert run_examples(page) == "".join(said).splitlines()
