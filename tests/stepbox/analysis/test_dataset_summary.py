"""Statistics of the samples of a data set."""

import numpy as np
import pytest

from stepbox.analysis import dataset_summary
from stepbox.analysis.dataset_summary import (
    by_class,
    evenly_spaced,
    most_read,
    sample_statistics,
)
from stepbox.data.dataset import Dataset
from tests.datasets import make_dataset


def split_of(shape, train=300, **options):
    spec, arrays = make_dataset("some", shape, train=train, **options)
    return Dataset(spec, arrays["train-samples.npy"], arrays["train-labels.npy"])


@pytest.mark.parametrize("shape", [(5, 7), (4, 3, 3)])
@pytest.mark.parametrize("block_bytes", [1, 1000, 2**22])
def test_the_means_of_images_are_exact(shape, block_bytes, monkeypatch):
    monkeypatch.setattr(dataset_summary, "BLOCK_BYTES", block_bytes)
    dataset = split_of(shape, classes=4)
    found = sample_statistics(dataset)
    assert found.read.tolist() == [75] * 4
    pixels = dataset.samples.reshape(300, -1)
    np.testing.assert_allclose(found.mean, pixels.mean(axis=0), rtol=1e-12)
    for label in range(4):
        mean = pixels[dataset.labels == label].mean(axis=0)
        np.testing.assert_array_equal(found.class_means[label], np.rint(mean))
    assert found.class_means.dtype == np.uint8
    assert found.deviations is None


def test_the_columns_of_vectors_have_the_moments_and_quantiles_of_numpy():
    dataset = split_of((6,))
    found = sample_statistics(dataset)
    samples = dataset.samples
    np.testing.assert_allclose(found.mean, samples.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.deviations, samples.std(axis=0), rtol=1e-12)
    quantiles = np.quantile(samples, [0, 0.25, 0.5, 0.75, 1], axis=0)
    np.testing.assert_array_equal(found.quantiles, quantiles)
    for label in range(3):
        mean = samples[dataset.labels == label].mean(axis=0)
        np.testing.assert_allclose(found.class_means[label], mean, rtol=1e-12)


def test_columns_of_huge_tiny_and_equal_values_do_not_overflow():
    dataset = split_of((4,), train=9)
    dataset.samples[:] = [1.6e308, -1.6e308, 5e-324, 0]
    found = sample_statistics(dataset)
    np.testing.assert_array_equal(found.mean, [1.6e308, -1.6e308, 5e-324, 0])
    np.testing.assert_array_equal(found.deviations, np.zeros(4))
    dataset.samples[::2, 0] *= -1  # the difference of two values is infinite
    assert np.isfinite(sample_statistics(dataset).deviations).all()


def test_a_large_split_is_read_in_part_with_the_share_of_each_class(monkeypatch):
    monkeypatch.setattr(dataset_summary, "MOST_READ", 50)
    # Every third sample has label 0: every sixth sample in the order of the indices has, too.
    found = sample_statistics(split_of((2, 2), train=300, classes=3))
    assert found.read.sum() == 50
    assert found.read.min() >= 16
    again = sample_statistics(split_of((2, 2), train=300, classes=3))
    np.testing.assert_array_equal(found.class_means, again.class_means)


def test_a_class_without_samples_has_a_mean_of_zero():
    dataset = split_of((2, 2), classes=3)
    dataset.labels[dataset.labels == 1] = 2
    found = sample_statistics(dataset)
    assert found.read.tolist() == [100, 0, 200]
    assert not found.class_means[1].any()


def test_wide_vectors_are_read_within_a_bounded_memory():
    assert most_read("vectors", 4) == most_read("images", 12_288) == 20_000
    assert most_read("vectors", 12_288) == 341
    assert most_read("vectors", 2**30) == 1


def test_evenly_spaced_numbers():
    assert evenly_spaced(10, 5).tolist() == [0, 2, 4, 6, 8]
    assert evenly_spaced(3, 5).tolist() == [0, 1, 2]
    assert evenly_spaced(0, 5).tolist() == evenly_spaced(5, 0).tolist() == []
    assert evenly_spaced(2_000_000_000, 20_000)[-1] == 1_999_900_000


def test_samples_are_sorted_by_class():
    found = by_class(np.array([2, 0, 2, 0], np.uint16), 4)
    assert [indices.tolist() for indices in found] == [[1, 3], [], [0, 2], []]
