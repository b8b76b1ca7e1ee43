"""Data sets: what a data set is, which ones Stepbox knows, and how their files are read.

The shape of a sample, the names of the classes and the sizes of the splits are written down only
here. Everything else reads them from a `DatasetSpec`.
"""

from stepbox.data.builtin import DATASETS, load_dataset
from stepbox.data.dataset import Dataset, DatasetSpec

__all__ = ["DATASETS", "Dataset", "DatasetSpec", "load_dataset"]
