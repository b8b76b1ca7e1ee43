"""The images of `make bench-images` are files that Stepbox decodes, the same for the same seed."""

import numpy as np
import pytest
from scipy.ndimage import label

from benchmarks.images.classifiers import Local
from benchmarks.images.kinds import GOALS, KINDS, generate
from benchmarks.images.sheets import CELL, COLUMNS, sheet
from benchmarks.images.strokes import outline, pen, thin
from stepbox.data.builtin import load_dataset
from stepbox.images.decode import decode_image
from stepbox.run import train


def files(kind, seed=0, n=1):
    samples = load_dataset(KINDS[kind].dataset, "test")
    return generate(kind, samples.samples, samples.labels, n, seed)


@pytest.fixture(scope="module")
def model():
    return train("mnist-numpy", epochs=1, hidden_sizes=[], progress=False)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_draws_the_same_decodable_files_for_the_same_seed(kind):
    [(file, digit)] = files(kind)
    grey = decode_image(file, pointer="/image")
    assert grey.max() - grey.min() > 30
    assert files(kind) == [(file, digit)]
    assert KINDS[kind].group in GOALS


def test_another_seed_draws_other_files():
    assert files("tight-crop") != files("tight-crop", seed=1)


def test_all_kinds_show_the_same_samples():
    digits = [[digit for _, digit in files(kind, n=5)] for kind in ("plain", "tight-crop")]
    assert digits[0] == digits[1]


def test_a_goal_is_lower_for_a_network_that_is_less_accurate_on_the_data_set():
    assert GOALS["clean"].of(0.99) == 0.95
    assert GOALS["clean"].of(0.90) == pytest.approx(0.87)
    assert GOALS["product"].of(0.88) == pytest.approx(0.80)


def test_a_thinned_ring_is_a_closed_line():
    y, x = np.mgrid[-20:21, -20:21]
    ring = thin(abs(np.hypot(x, y) - 14) < 4)
    assert ring.sum() < 120
    assert label(~ring)[1] == 2  # inside and outside
    assert np.all(abs(np.hypot(x, y) - 14)[ring] < 2)


@pytest.mark.parametrize("draw", [outline, lambda pixels, side: pen(pixels, side - 10, 10)])
def test_a_digit_is_drawn_as_large_as_asked(draw):
    ink = draw(load_dataset("mnist", "test").samples[0], 200)
    assert max(ink.shape) == pytest.approx(200, abs=8)
    assert ink.min() == 0
    assert ink.max() == 1


def test_a_sheet_has_two_rows_for_each_row_of_images(model):
    assert sheet(files("plain", n=12), model).size == (COLUMNS * CELL, 4 * CELL)


def test_a_network_in_this_process_is_a_classifier(model):
    local = Local(model, "mnist", model.card.evaluation.accuracy)
    drawn = files("plain", n=50)
    assert sum(local.classify(file, fit="none") == digit for file, digit in drawn) > 35
