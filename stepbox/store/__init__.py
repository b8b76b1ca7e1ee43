"""Storage of models, cards, aliases and checkpoints, all on one `ObjectStore`.

An object store keeps bytes under keys. The other stores use it. They write and delete in an order
in which a killed process never leaves a model that is visible but incomplete.

Public names: `ObjectStore` (objects), `FolderStore` (folder), `ModelStore` (models),
`CheckpointStore` (checkpoints), `Card` and `CardDraft` (card).
"""
