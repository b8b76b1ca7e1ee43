import io
import tracemalloc

import numpy as np
import pytest

from service.api.predict.preparation import BLOCK, prepare_images
from service.api.readers.arrays import read_npy
from service.api.readers.images import Sent
from stepbox.data.builtin import MNIST

COUNT = 2 * BLOCK + 100
LIGHT = [0, BLOCK - 1, BLOCK, COUNT - 1]  # indices of images that are dark on light
EMPTY = [5, BLOCK + 5]


@pytest.fixture
def images(backend):
    images = backend.dataset("mnist").samples[:COUNT].copy()
    images[EMPTY] = 0
    return images


@pytest.mark.parametrize(
    "form", [lambda sent: sent, lambda sent: sent.astype(float), iter, lambda sent: list(sent)]
)
@pytest.mark.parametrize("writable", [True, False])
def test_many_images_are_prepared_in_their_order(images, form, writable):
    sent = images.copy()
    sent[LIGHT] = 255 - sent[LIGHT]
    sent.flags.writeable = writable
    fields = prepare_images(form(sent), MNIST)
    assert np.array_equal(fields.pixels, images)
    assert list(fields.changed) == LIGHT
    assert all(np.array_equal(prepared.pixels, images[i]) for i, prepared in fields.changed.items())
    assert fields.empty == EMPTY


@pytest.mark.parametrize(
    ("dtype", "item_bytes", "copies"), [("f2", 4, 1), ("f4", 4, 2), ("f8", 8, 2)]
)
def test_an_array_takes_little_memory(images, dtype, item_bytes, copies):
    """The images are copied a few times at most, and all other work is on blocks of them."""
    buffer = io.BytesIO()
    np.save(buffer, (255 - images).astype(dtype))
    sent = Sent(buffer.getvalue(), MNIST)
    tracemalloc.start()
    fields = prepare_images(read_npy(sent), MNIST)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(fields.pixels) == COUNT
    assert peak < (copies * COUNT + 3 * BLOCK) * images[0].size * item_bytes
