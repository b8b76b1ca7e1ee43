"""Find test samples that are also in the training part: they make a model look better than it is.

Identical samples are found by a hash of their bytes. Similar images, such as two copies of a
photograph that were saved differently, are found by a perceptual hash, and confirmed by their
correlation.

Measured on two cores: 3 s for MNIST or Fashion-MNIST. MNIST has no similar images in both parts.
Fashion-MNIST has 17, which are photographs of the same product (all were looked at).

References
----------
C. Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010, section 3.2.
"""

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

Pairs = tuple[tuple[int, int], ...]

MOST_PAIRS_SHOWN = 5
# Of 64 bits. Of images of both built-in data sets that were saved as JPEG with quality 75, 95 %
# differ in at most 3 bits; with quality 50, in at most 5.
MOST_BITS = 6
# Saved with quality 75, the median image of both data sets has a correlation of 0.997 with the
# original. Of MNIST's test images, none has 0.995 with any training image, and 14 have 0.985; of
# Fashion-MNIST's, 20 and 307.
LEAST_CORRELATION = 0.995
# Of all channels together. JPEG files keep less of the colors than of the luminance: of 286 crops
# of photographs that were saved with quality 75, 257 keep the correlation above, and 256 of these
# this one.
LEAST_COLOR_CORRELATION = 0.95
LEAST_CONTRAST = 4.0  # levels, as a standard deviation: images that are almost blank look alike
LEAST_SIDE = 8  # pixels: smaller images have too few frequencies
# Of the images with a similar hash, the nearest ones are compared. Simple images, such as MNIST's
# ones, have up to 1,200.
MOST_CANDIDATES = 8
# Pairs of hashes that are compared, in about 3 s. From 45,000 × 45,000 images, a sample of the
# test images is compared.
MOST_PAIRS = 2_000_000_000

_HASH_BITS = 64
_ELIMINATED = 0.02  # of all coefficients: smaller ones have a random sign in symmetric images
_BLOCK = 2**22  # values that are in memory at once
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as in Pillow


class Duplicates(NamedTuple):
    """What both parts have in common.

    Attributes
    ----------
    identical
        Number of test samples that are also in the training part.
    identical_pairs
        Up to five examples: index of the training sample, and of the test sample.
    similar
        Number of other test images that are almost the same as a training image.
    similar_pairs
        Up to five examples, as above.
    compared
        Number of test images that were compared for this: all, unless there are too many pairs.
    """

    identical: int
    identical_pairs: Pairs
    similar: int = 0
    similar_pairs: Pairs = ()
    compared: int = 0


def find_duplicates(train: NDArray[Any], test: NDArray[Any]) -> Duplicates:
    """Find test samples that are also in the training part, or almost.

    Parameters
    ----------
    train, test
        One row per sample, possibly memory maps, both of the same dtype and shape of a row: images
        in uint8, (height, width) or (height, width, 3); or vectors. Vectors and images with a side
        of under 8 pixels are only compared for identity.
    """
    digests = _digests(train)
    order = np.argsort(digests, kind="stable")
    others = _digests(test)
    places = np.searchsorted(digests[order], others).clip(max=len(order) - 1)
    first = order[places]
    same = digests[first] == others
    found = np.flatnonzero(same)
    pairs = tuple((int(first[index]), int(index)) for index in found[:MOST_PAIRS_SHOWN])
    if train.ndim < 3 or min(train.shape[1:3]) < LEAST_SIDE:
        return Duplicates(len(found), pairs)
    compared = np.flatnonzero(~same)
    most = max(1, MOST_PAIRS // len(train))
    compared = compared[:: -(-len(compared) // most) or 1]
    similar = list(_find_similar(train, test, compared))
    shown = tuple(similar[:MOST_PAIRS_SHOWN])
    return Duplicates(len(found), pairs, len(similar), shown, len(found) + len(compared))


def _digests(samples: NDArray[Any]) -> NDArray[np.uint64]:
    """Return the BLAKE2b of each sample, cut to 64 bits: 2 million rarely have two by chance."""
    digests = np.empty(len(samples), np.uint64)
    for start, rows in _blocks(samples):
        found = b"".join(hashlib.blake2b(row, digest_size=8).digest() for row in rows)
        digests[start : start + len(rows)] = np.frombuffer(found, np.uint64)
    return digests


def _blocks(samples: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield the start of each block of samples, and the block in memory."""
    step = max(1, _BLOCK // max(1, samples[0].size))
    for start in range(0, len(samples), step):
        yield start, np.ascontiguousarray(samples[start : start + step])


def _find_similar(
    train: NDArray[np.uint8], test: NDArray[np.uint8], compared: NDArray[np.intp]
) -> Iterator[tuple[int, int]]:
    """Yield pairs of a training image and a similar test image, one for each such test image."""
    if not len(compared):
        return
    hashes, others = _perceptual_hashes(train), _perceptual_hashes(test[compared])
    pairs, values = _BLOCK // 4, _BLOCK // MOST_CANDIDATES  # of hashes, and of compared pixels
    step = max(1, min(pairs // len(train), values // train[0].size))
    for start in range(0, len(compared), step):
        distances = np.bitwise_count(hashes ^ others[start : start + step, np.newaxis])
        rows = np.flatnonzero(distances.min(axis=1) <= MOST_BITS)
        if not len(rows):
            continue
        nearest = [_nearest(distances[row]) for row in rows]
        tests = np.repeat(compared[start + rows], [len(columns) for columns in nearest])
        columns = np.concatenate(nearest)
        agree = _agree(train[columns], test[tests])
        _, firsts = np.unique(tests[agree], return_index=True)
        yield from zip(columns[agree][firsts].tolist(), tests[agree][firsts].tolist(), strict=True)


def _nearest(distances: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return the training images to compare, from the distances of all of them."""
    columns = np.flatnonzero(distances <= MOST_BITS)
    if len(columns) <= MOST_CANDIDATES:
        return columns
    return columns[np.argsort(distances[columns], kind="stable")[:MOST_CANDIDATES]]


def _perceptual_hashes(images: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return 64 bits for each image: the signs of its lowest frequencies, without the mean."""
    height, width = images.shape[1:3]
    frequencies = sorted(np.ndindex(min(height, 16), min(width, 16)), key=lambda uv: (sum(uv), uv))
    rows, columns = np.array(frequencies[1 : _HASH_BITS + 1]).T
    basis = dct(np.eye(height), axis=0)[rows, :, None] * dct(np.eye(width), axis=0)[columns, None]
    basis = basis.reshape(len(rows), -1).T.astype(np.float32)
    hashes = np.empty(len(images), np.uint64)
    for start, block in _blocks(images):
        coefficients = _grey(block).reshape(len(block), -1) @ basis
        least = _ELIMINATED * np.linalg.norm(coefficients, axis=1, keepdims=True)
        bits = np.zeros((len(block), _HASH_BITS), bool)
        bits[:, : len(rows)] = coefficients > least
        hashes[start : start + len(block)] = np.packbits(bits, axis=1).view(np.uint64)[:, 0]
    return hashes


def _grey(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return images @ _LUMINANCE if images.ndim == 4 else images.astype(np.float32)


def _agree(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pairs of images, one in each array, have the same content."""
    grey, contrast = _correlate(_grey(first), _grey(second))
    agree = (grey >= LEAST_CORRELATION) & (contrast >= LEAST_CONTRAST)
    if first.ndim == 4:
        agree &= _correlate(first, second)[0] >= LEAST_COLOR_CORRELATION
    return agree


def _correlate(first: NDArray[Any], second: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the correlation of each pair of images, and their smaller standard deviation."""
    centered = []
    for images in (first, second):
        levels = images.astype(np.float32)
        levels -= levels.mean(axis=(1, 2), keepdims=True)  # of each channel
        centered.append(levels.reshape(len(levels), -1))
    deviations = [np.sqrt(np.square(levels).mean(axis=1)) for levels in centered]
    products = (centered[0] * centered[1]).mean(axis=1)
    blank = 1e-6  # avoids a division by zero
    return products / np.maximum(deviations[0] * deviations[1], blank), np.minimum(*deviations)
