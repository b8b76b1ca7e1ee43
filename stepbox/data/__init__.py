"""Data sets: what a data set is, which ones Stepbox knows, and how their files are read.

Shapes of samples, names of classes and sizes of splits are defined only here. All other code reads
them from a `DatasetSpec`.

Public names: `Dataset` and `DatasetSpec` (dataset), `DATASETS` and `load_dataset` (builtin).
"""
