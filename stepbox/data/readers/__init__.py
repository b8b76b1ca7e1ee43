"""Read uploaded files. There is one module per format, and each returns a list of `Part`.

A reader never holds a whole file in memory: arrays are memory maps of scratch files. It rejects
what is malformed or over a limit with an error that says what is wrong and where.

Public names: `ImageFiles`, `Limits` and `Part` (part), `kind_of` and `kind_of_start` (detect),
`gunzip` (compression), `by_split` (splits), `read_csv` (csv), `read_idx` (idx), `read_npz`
(npz), `read_parquet` (parquet).
"""
