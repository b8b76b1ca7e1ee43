import pytest

from stepbox.analysis.inspection import published_curves
from stepbox.training.presets import RECIPES

PUBLISHED = published_curves()


def test_each_history_has_one_entry_per_epoch_of_its_recipe():
    assert PUBLISHED["source"]
    for name, published in PUBLISHED.items():
        if name == "source":
            continue
        epochs = [entry["epoch"] for entry in published["history"]]
        assert epochs == list(range(epochs[0], RECIPES[name].epochs + 1))


def test_some_figures_are_those_of_the_coursework():
    numpy, torch = PUBLISHED["mnist-numpy-published"], PUBLISHED["fashion-mnist-torch"]

    right = [round(entry["test_accuracy"] * 10_000) for entry in numpy["history"]]
    assert right == [994, 8023, 8481, 8563]
    assert torch["history"][0]["epoch"] == 1
    assert torch["history"][0]["train_loss"] == pytest.approx(1.8291, abs=1e-4)
    assert torch["history"][-1]["train_loss"] == pytest.approx(0.2042, abs=1e-4)
    assert torch["mean_test_accuracy"] == pytest.approx(0.850087, abs=1e-6)
