"""The notebooks run from the first cell to the last, and what they say is true."""

import importlib
import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.processes import PATIENCE_S, ROOT, stack_in

NOTEBOOKS = {path.stem: path for path in (ROOT / "examples").glob("*.ipynb")}
STUDENT, READER = "only-for-a-student", "only-for-reading"

# Jupyter's libraries emit deprecation warnings, and may leave sockets to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("default::DeprecationWarning", "default::ResourceWarning"),
    pytest.mark.filterwarnings("default::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Run an installation for the module: Redis, one worker and the API, with tokens."""
    tokens = f"student=own:{STUDENT},read:{READER}"
    with stack_in(tmp_path_factory.mktemp("notebooks"), STEPBOX_TOKENS=tokens) as stack:
        stack.start_redis()
        stack.start_worker()
        stack.start_service()
        stack.wait_for_worker()
        yield stack


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs a notebook, and checks that it shows no warning.

    The function returns what the notebook prints, and the number of its figures.
    """

    def run(name, **environment):
        for variable, value in environment.items():
            monkeypatch.setenv(variable, str(value))
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        importlib.import_module("matplotlib.font_manager")  # prints a message the first time
        client = NotebookClient(read(name), timeout=10 * PATIENCE_S, kernel_name="python3")
        cells = client.execute(cwd=tmp_path).cells
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        streams = [output for output in outputs if output.output_type == "stream"]
        assert [output.text for output in streams if output.name == "stderr"] == []
        figures = sum("image/png" in output.get("data", {}) for output in outputs)
        return "".join(output.text for output in streams), figures

    return run


def read(name):
    return nbformat.read(NOTEBOOKS[name], as_version=4)


def numbers(pattern, text):
    return [float(number) for number in re.findall(pattern, text)]


@pytest.mark.parametrize("name", sorted(NOTEBOOKS))
def test_it_is_stored_without_outputs(name):
    notebook = read(name)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.parametrize("name", sorted(NOTEBOOKS))
def test_its_links_lead_to_files(name):
    text = "".join(cell.source for cell in read(name).cells if cell.cell_type == "markdown")
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (NOTEBOOKS[name].parent / link).is_file(), link


@pytest.mark.slow
def test_backpropagation_leads_to_95_percent(run):
    data = Path(os.environ.get("STEPBOX_DATA_DIR", ROOT / "data")).resolve()
    text, figures = run("backprop-by-hand", STEPBOX_DATA_DIR=data)

    by_hand, trained, *_ = numbers(r"([\d.]+)% of the test images are right", text)
    assert figures == 5
    assert by_hand > 85
    assert trained > 95


@pytest.mark.server
def test_a_first_job_reads_digits(run, server):
    text, figures = run("first-job", STEPBOX_URL=server.url, STEPBOX_TOKEN=STUDENT)

    losses = numbers(r"after epoch \d: loss ([\d.]+)", text)
    accuracies = numbers(r"([\d.]+)% of the test images are right", text)
    [early] = numbers(r"9,001 to 10,000: ([\d.]+)", text)
    assert figures == 7
    assert losses == sorted(losses, reverse=True)
    assert losses[0] == pytest.approx(2.3, abs=0.1)
    assert losses[0] - early > early - losses[-1]
    assert accuracies[0] == pytest.approx(10, abs=2)
    assert accuracies[3] == pytest.approx(accuracies[4], abs=0.1)  # that of the card
    assert accuracies[3] > 95
    assert "long upstroke: 9, shorter upstroke: 1\n" in text
    assert "sum of the probabilities: 1.000000000000\n" in text


@pytest.mark.server
def test_your_own_data_have_three_wrong_labels(run, server):
    text, figures = run("your-own-data", STEPBOX_URL=server.url, STEPBOX_TOKEN=STUDENT)

    [dense] = numbers(r"dense: ([\d.]+)%", text)
    [convolutions] = numbers(r"convolutions: ([\d.]+)%", text)
    in_training = numbers(r"loss ([\d.]+) in training", text)
    on_test = numbers(r"([\d.]+) on the test images", text)
    doubtful = re.findall(r"(\S+\.png) +is a (\w+)\? The network says (\w+)", text)
    assert figures == 5
    assert "720 to train on, 180 to test on" in text
    assert text.count("warning: ") == 2
    assert "warning: Files that are not images are ignored: 'shapes/circle/notes.txt'." in text
    assert "left out: 1 ('shapes/circle/half.png')" in text
    assert dense < convolutions > 90
    assert on_test[0] > 3 * in_training[0]  # learned by heart
    assert on_test[1] < on_test[0]
    assert f"180 images predicted, {convolutions}% are right" in text
    assert f"contradicts {len(doubtful)} of 90 labels" in text
    assert len(doubtful) < 20  # these few
    assert {*doubtful} >= {
        ("circle/7.png", "circle", "triangle"),
        ("square/21.png", "square", "circle"),
        ("triangle/12.png", "triangle", "square"),
    }


@pytest.mark.server
def test_a_sweep_finds_a_model_for_its_alias(run, server):
    text, figures = run("sweep", STEPBOX_URL=server.url, STEPBOX_TOKEN=STUDENT)

    states = re.findall(r"trial +\d+ (\w+) +loss", text)
    [winner] = numbers(r"the winner: ([\d.]+)%", text)
    [small] = numbers(r"two neurons: ([\d.]+)%", text)
    [before] = re.findall(r"spirals is (m-\w+)", text)
    assert figures == 4
    assert states[:5] == ["complete"] * 5
    assert {*states} == {"complete", "pruned"}
    assert small < 85 < winner
    assert "does not pass the gate of 'spirals'" in text
    assert f"spirals is still {before}\n" in text


@pytest.mark.server
def test_the_mathematics_is_right(run, server):
    text, figures = run("mathematics", STEPBOX_URL=server.url, STEPBOX_TOKEN=READER)

    [with_h] = numbers(r"h = 0.1: (\S+),", text)
    [with_tenth] = numbers(r"h = 0.01: (\S+)", text)
    [smallest] = numbers(r"smallest difference: (\S+),", text)
    errors = numbers(r"boxes: largest error ([\d.]+)", text)
    [slope] = numbers(r"slope of the error: (\S+);", text)
    equal, free = numbers(r"widths: (\d+) boxes", text)
    [l1_slope] = numbers(r"l1: intercept 1.000, slope (\S+)", text)
    [l2_slope] = numbers(r"l2: intercept \S+, slope (\S+)", text)
    [l1_loss] = numbers(r"L1: loss ([\d.]+),", text)
    [other_loss] = numbers(r"others at least ([\d.]+)", text)
    [certified] = numbers(r"\|d·y\| = (\S+)", text)
    assert figures == 6
    assert with_h / with_tenth == pytest.approx(100, rel=0.05)
    assert smallest < 1e-10
    assert len(errors) == 3
    assert errors == sorted(errors, reverse=True)
    assert slope == pytest.approx(-1, abs=0.1)
    assert free < equal
    assert l1_slope == 2 < l2_slope
    assert certified == l1_loss < other_loss
