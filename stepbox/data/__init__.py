"""Data sets: what a data set is, which ones Stepbox knows, and how their files are read.

Shapes of samples, names of classes and sizes of splits are defined only here. All other code reads
them from a `DatasetSpec`.
"""

from stepbox.data.builtin import DATASETS, load_dataset
from stepbox.data.dataset import Dataset, DatasetSpec

__all__ = ["DATASETS", "Dataset", "DatasetSpec", "load_dataset"]
