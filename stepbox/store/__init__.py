"""Storage of models, cards, aliases, checkpoints, data sets and uploads, on `ObjectStore`.

An object store keeps bytes under keys. The other stores use it. They write and delete in an order
in which a killed process never leaves a model or data set that is visible but incomplete.

Public names: `ObjectStore` (objects), `FolderStore` (folder), `ModelStore` (models),
`CheckpointStore` (checkpoints), `DatasetStore` (datasets), `Uploads` (uploads), `Quota` (quota),
`Card` and `CardDraft` (card).
"""
