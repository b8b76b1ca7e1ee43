"""How large a prediction of a data set may be."""

from stepbox.errors import InvalidInputError

# Of all samples, for each class. They take about 3.4 GB in both files, and 1.6 GB as logits.
MOST_PROBABILITIES = 200_000_000
# Of a probability in both files: a float32 in Parquet, which hardly gets smaller by compression,
# and in CSV at least a digit and a comma.
LEAST_BYTES = 4 + 2


def check_size(samples: int, classes: int, pointer: str) -> None:
    """Raise InvalidInputError if so many samples of so many classes are too many to predict.

    `pointer` says where the request names the samples.
    """
    if samples * classes > MOST_PROBABILITIES:
        raise InvalidInputError.at(
            pointer,
            f"must have at most {MOST_PROBABILITIES // classes:,} samples, because the model has "
            f"{classes:,} classes, and a prediction has at most {MOST_PROBABILITIES:,} "
            f"probabilities; there are {samples:,} samples",
        )


def least_bytes(samples: int, classes: int) -> int:
    """Return how many bytes the files of a prediction take at least."""
    return samples * classes * LEAST_BYTES
