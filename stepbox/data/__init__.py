"""Data sets: what a data set is, which ones Stepbox knows, and how their files are read.

The shape of a sample, the names of the classes and the sizes of the splits are written down only
here. Everything else reads them from a `DatasetSpec`.

Public names: `Dataset` and `DatasetSpec` (dataset), `DATASETS` and `load_dataset` (builtin).
"""
