import numpy as np
import pytest

from stepbox.analysis.occlusion import MOST_CELLS, occlude, stride_of
from stepbox.data.builtin import DATASETS
from stepbox.nn.losses import softmax
from stepbox.nn.network import Network, dense_layers
from tests.datasets import make_dataset


@pytest.mark.parametrize(
    ("height", "width", "stride"),
    [(28, 28, 2), (20, 20, 1), (8, 8, 1), (64, 64, 4), (1, 500, 2), (256, 256, 13)],
)
def test_an_image_has_at_most_so_many_cells(height, width, stride):
    assert stride_of(height, width) == stride
    cells = -(-height // stride) * -(-width // stride)
    assert cells <= MOST_CELLS
    if stride > 1:
        assert -(-height // (stride - 1)) * -(-width // (stride - 1)) > MOST_CELLS


def test_only_squares_over_the_pixel_that_matters_lower_the_probability():
    network = Network.initial(dense_layers([784, 2], "relu"), 0)
    network.layers[0].weights[:] = 0
    network.layers[0].weights[1, 28 * 9 + 16] = 3  # row 9 and column 16: the cell at [4, 8]
    image = np.full((28, 28), 100, np.uint8)
    found = occlude(network, image, 1, DATASETS["mnist"], "raw")
    assert (found.size, found.stride, found.fill) == (6, 2, 0)
    assert found.drops.shape == (14, 14)
    whole, covered = softmax(np.array([[0, 300.0], [0, 0]]))[:, 1]
    expected = np.zeros((14, 14))
    expected[3:6, 7:10] = whole - covered
    np.testing.assert_allclose(found.drops, expected, atol=1e-12)
    other = occlude(network, image, 0, DATASETS["mnist"], "raw")
    np.testing.assert_allclose(other.drops, -expected, atol=1e-12)
    assert (image == 100).all()


@pytest.mark.parametrize(("background", "fill"), [("dark", 0), ("light", 255), (None, 128)])
def test_squares_have_the_background_of_the_data_set(background, fill):
    spec, _ = make_dataset("colors", (9, 30, 3), background=background)
    network = Network.initial(dense_layers([810, 3], "relu"), 1)
    image = np.full((9, 30, 3), fill, np.uint8)
    found = occlude(network, image, 0, spec, "unit")
    assert found.fill == fill
    assert found.drops.shape == (9, 30)
    np.testing.assert_allclose(found.drops, 0, atol=1e-12)  # the image is all background
    image[4, 5] = 200
    drops = occlude(network, image, 0, spec, "unit").drops
    assert np.abs(drops[3:6, 4:7]).min() > 1e-6
    drops[3:6, 4:7] = 0
    np.testing.assert_allclose(drops, 0, atol=1e-12)


def test_the_work_can_be_stopped_before_each_block(monkeypatch):
    monkeypatch.setattr("stepbox.nn.network.MOST_OUTPUTS_IN_BLOCK", 500)  # 50 samples
    network = Network.initial(dense_layers([784, 10], "relu"), 1)
    begun = []

    def stop():
        begun.append(len(begun))
        if len(begun) == 3:
            raise InterruptedError

    image = np.zeros((28, 28), np.uint8)
    with pytest.raises(InterruptedError):
        occlude(network, image, 0, DATASETS["mnist"], "unit", stop)
    begun[:] = range(3)
    occlude(network, image, 0, DATASETS["mnist"], "unit", stop)
    assert len(begun) == 3 + 4  # blocks of 50 of the 196 cells
