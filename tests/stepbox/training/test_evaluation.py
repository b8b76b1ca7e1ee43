import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError
from sklearn.metrics import f1_score, recall_score

from stepbox.data.builtin import MNIST
from stepbox.data.dataset import Dataset, scale_pixels
from stepbox.nn.network import Network, dense_layers
from stepbox.training.evaluation import EvaluationReport, assess, evaluate, predict_logits
from stepbox.training.guessing import beats_guessing


@st.composite
def answers(draw):
    count = draw(st.integers(1, 30))
    logits = draw(arrays(np.float64, (count, 4), elements=st.floats(-20, 20)))
    labels = draw(arrays(np.uint8, count, elements=st.integers(0, 3)))
    return logits, labels


@given(answers())
def test_the_figures_match_a_direct_count(answers):
    logits, labels = answers
    rows = []  # for each sample: label, predicted class, probabilities
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        exponentials = [math.exp(z - max(row)) for z in row]
        probabilities = [e / sum(exponentials) for e in exponentials]
        rows.append((label, row.index(max(row)), probabilities))

    found = assess(logits, labels)

    assert found.accuracy == pytest.approx(
        sum(true == named for true, named, _ in rows) / len(rows)
    )
    assert found.loss == pytest.approx(
        sum(-math.log(p[true]) for true, _, p in rows) / len(rows), rel=1e-9, abs=1e-12
    )
    for true in range(4):
        for named in range(4):
            assert found.confusion_matrix[true][named] == sum(
                row[:2] == (true, named) for row in rows
            )
    for index in range(4):
        right = sum(row[:2] == (index, index) for row in rows)
        with_label = sum(true == index for true, _, _ in rows)
        with_name = sum(named == index for _, named, _ in rows)
        assert found.recall[index] == (pytest.approx(right / with_label) if with_label else None)
        assert found.precision[index] == (pytest.approx(right / with_name) if with_name else None)


@given(answers())
def test_each_sample_is_in_exactly_one_bin(answers):
    logits, labels = answers
    found = assess(logits, labels)

    assert [bin.low for bin in found.bins] == pytest.approx([k / 10 for k in range(10)])
    assert [bin.high for bin in found.bins] == pytest.approx([(k + 1) / 10 for k in range(10)])
    assert sum(bin.count for bin in found.bins) == len(labels)
    filled = [bin for bin in found.bins if bin.count]
    assert all(bin.low - 1e-12 <= bin.confidence <= bin.high + 1e-12 for bin in filled)
    assert all(
        bin.confidence is None and bin.accuracy is None for bin in found.bins if not bin.count
    )
    assert sum(bin.count * bin.accuracy for bin in filled) / len(labels) == pytest.approx(
        found.accuracy
    )
    assert found.expected_calibration_error == pytest.approx(
        sum(bin.count / len(labels) * abs(bin.accuracy - bin.confidence) for bin in filled)
    )


def test_calibration_worked_by_hand():
    # Top probabilities 0.75 (right), 0.75 (wrong), 1 (right), 1 (right), of two classes.
    quarter = math.log(1 / 3)
    logits = np.array([[0, quarter], [0, quarter], [0, -100], [-100, 0]])
    found = assess(logits, np.array([0, 1, 0, 1]))

    assert (found.bins[7].count, found.bins[7].accuracy) == (2, 0.5)
    assert found.bins[7].confidence == pytest.approx(0.75)
    assert (found.bins[9].count, found.bins[9].accuracy, found.bins[9].confidence) == (2, 1, 1)
    assert found.expected_calibration_error == pytest.approx(2 / 4 * 0.25)
    assert found.accuracy == 0.75
    assert found.confusion_matrix == ((2, 0), (1, 1))
    assert found.precision == pytest.approx((2 / 3, 1))
    assert found.recall == pytest.approx([1, 1 / 2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blocks_give_the_logits_of_a_single_forward_pass(load, dtype):
    images, labels = load("mnist", "test").samples[:2300], load("mnist", "test").labels[:2300]
    network = Network.initial(dense_layers((784, 16, 10), "tanh"), seed=1, dtype=dtype)
    whole = network.logits(scale_pixels(images, "unit", dtype))
    in_blocks = predict_logits(network, images, "unit")

    assert in_blocks.dtype == dtype
    np.testing.assert_allclose(in_blocks, whole, rtol=1e-4, atol=1e-5)
    assert evaluate(network, Dataset(MNIST, images, labels), "unit") == assess(in_blocks, labels)


def test_figures_are_plain_json(trained, load):
    trainer, _ = trained("mnist-numpy", 1)
    found = evaluate(trainer.network(), load("mnist", "test"), "unit")
    assert EvaluationReport.model_validate_json(found.model_dump_json()) == found
    assert sum(map(sum, found.confusion_matrix)) == 10_000
    assert found.expected_calibration_error < 0.05


@given(st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=3, max_size=3))
def test_a_network_is_better_than_guessing_beyond_three_standard_errors(counts):
    samples = sum(map(sum, counts))
    assume(samples)
    right = sum(counts[label][label] for label in range(3))
    often = max(map(sum, counts))
    # right/n > p + 3 √(p (1 − p) / n), multiplied by n and squared, in integers

    def passes(ahead):
        return ahead > 0 and ahead**2 * samples > 9 * often * (samples - often)

    expected = passes(right - often) if passes(samples - often) else None
    assert beats_guessing(counts) is expected


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([[2, 0], [0, 2]], None),
        ([[0, 2], [2, 0]], None),
        ([[4, 0], [0, 5]], None),
        ([[5, 0], [0, 5]], True),
        ([[5, 0], [1, 4]], False),
        ([[12, 0], [0, 6]], None),  # the bound is 1
        ([[100, 0], [0, 0]], None),  # of one class only
    ],
)
def test_of_a_small_test_set_it_is_not_known_whether_a_network_guesses(counts, expected):
    assert beats_guessing(counts) is expected


def test_the_limits_of_guessing_on_both_data_sets():
    digits = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]  # test images of MNIST
    clothes = [1000] * 10
    for samples, needed in ((digits, 1231), (clothes, 1091)):
        for right in (needed - 1, needed):
            # All right answers are in the largest class; all others are wrong.
            best = samples.index(max(samples))
            counts = np.zeros((10, 10), int)
            for label, count in enumerate(samples):
                counts[label, (label + 1) % 10] = count
            for label in (best, (best + 1) % 10):
                part = min(right, samples[label])
                counts[label, label] = part
                counts[label, (label + 1) % 10] -= part
                right -= part
            assert beats_guessing(counts.tolist()) == (np.trace(counts) == needed)


@pytest.mark.parametrize("counts", [[], [[0, 0], [0, 0]], [[1, 2]], [[1], [2]]])
def test_a_confusion_matrix_is_square_and_counts_something(counts):
    fields = assess(np.eye(2), np.arange(2)).model_dump() | {"confusion_matrix": counts}
    with pytest.raises(ValidationError, match="square, and count at least one sample"):
        EvaluationReport(**fields)


@given(answers())
def test_the_means_over_classes_are_those_of_scikit_learn(answers):
    logits, labels = answers
    found = assess(logits, labels)
    predicted = logits.argmax(axis=1)
    present = np.unique(labels)
    recall = recall_score(labels, predicted, labels=present, average="macro", zero_division=0)
    f1 = f1_score(labels, predicted, labels=present, average="macro", zero_division=0)

    assert found.balanced_accuracy == pytest.approx(recall)
    assert found.macro_f1 == pytest.approx(f1)
    assert found.top5_accuracy is None


@given(
    arrays(np.float64, (20, 30), elements=st.integers(-3, 3)),
    arrays(np.uint16, 20, elements=st.integers(0, 29)),
)
def test_the_five_most_probable_classes_are_found_in_order(logits, labels):
    """Of equal logits, the first counts, as it does for the predicted class."""
    right = 0
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        best = sorted(range(30), key=lambda index: (-row[index], index))[:5]
        right += label in best

    assert assess(logits, labels).top5_accuracy == pytest.approx(right / 20)


def test_an_evaluation_of_an_earlier_version_is_read():
    stored = assess(np.eye(2), np.arange(2)).model_dump()
    for name in ("top5_accuracy", "balanced_accuracy", "macro_f1"):
        del stored[name]

    assert EvaluationReport(**stored).balanced_accuracy == 1
