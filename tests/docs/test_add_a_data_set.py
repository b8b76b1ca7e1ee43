"""Follow docs/how-to/add-a-data-set.md, which makes a toy data set."""

import re
import runpy

import numpy as np
import pytest

import stepbox
from stepbox.errors import DatasetError, NotFoundError
from tests.processes import ROOT

PAGE = (ROOT / "docs/how-to/add-a-data-set.md").read_text("utf-8")
FILES = dict(re.findall(r'```python title="(.*?)"\n(.*?)```', PAGE, re.DOTALL))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write the page's files to a folder, and make it the working directory."""
    folder = tmp_path_factory.mktemp("bars")
    for name, code in FILES.items():
        (folder / name).write_text(code, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("STEPBOX_DATA_DIR", raising=False)
        patch.syspath_prepend(folder)
        patch.setitem(stepbox.DATASETS, "bars", None)  # until the page's code adds its description
        yield folder


@pytest.fixture(scope="module")
def trained(folder):
    """Run the page's programs up to the training; return the variables of the last one."""
    runpy.run_path("make_bars.py")
    return runpy.run_path("train_bars.py")


def test_the_table_names_the_files_to_write():
    table = re.findall(r"^\| `(\w+\.py)` \|", PAGE, re.MULTILINE)

    assert table == list(FILES)[:2]


def test_the_files_have_the_checksums_that_the_page_prints(folder, capsys):
    runpy.run_path("make_bars.py")
    printed = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)[0]

    assert capsys.readouterr().out == printed


@pytest.mark.slow
def test_both_engines_learn_it(trained):
    for run, dtype in (("run", "float64"), ("torch_run", "float32")):
        model = trained[run]
        arrays = model.network.named_arrays()
        assert model.history[-1].test_accuracy > 0.95
        assert [spec.inputs for spec in model.card.layers] == [64, 16]
        assert arrays["0.weight"].shape == (16, 64)
        assert arrays["1.bias"].shape == (3,)
        assert arrays["1.bias"].dtype == dtype
        assert np.array(model.card.evaluation.confusion_matrix).shape == (3, 3)


@pytest.mark.slow
def test_a_saved_model_names_the_classes(trained):
    model = runpy.run_path("load_bars.py")["model"]

    assert model.card.classes == ("row", "column", "diagonal")
    assert model.recipe == trained["run"].recipe
    for name, array in model.network.named_arrays().items():
        np.testing.assert_array_equal(array, trained["run"].network.named_arrays()[name])


@pytest.mark.slow
def test_the_images_have_the_documented_shape(trained):
    for split, samples in (("train", 600), ("test", 200)):
        dataset = stepbox.load_dataset("bars", split)
        assert dataset.samples.shape == (samples, 8, 8)
        assert set(dataset.labels) == {0, 1, 2}


@pytest.mark.slow
@pytest.mark.parametrize("augmentation", ["affine", "distort", "mirror-shift"])
def test_the_images_can_be_augmented(trained, monkeypatch, augmentation):
    allowed = stepbox.DATASETS["bars"].model_copy(update={"augmentations": (augmentation,)})
    monkeypatch.setitem(stepbox.DATASETS, "bars", allowed)
    run = stepbox.train(trained["run"].recipe, epochs=1, augmentation=augmentation, progress=False)

    assert run.history[-1].train_loss < 1.2


@pytest.mark.slow
def test_a_damaged_file_is_rejected(trained, folder):
    labels = folder / "data/bars/test-labels"
    content = labels.read_bytes()
    labels.write_bytes(content[:-1])
    with pytest.raises(DatasetError, match="test-labels has the MD5"):
        stepbox.load_dataset("bars", "test")
    labels.write_bytes(content)


def test_a_recipe_names_only_data_sets_that_exist():
    with pytest.raises(NotFoundError, match="mnist and fashion-mnist"):
        stepbox.train("mnist-numpy", dataset="stripes")
