"""Storage of models, cards, aliases and checkpoints, all on one `ObjectStore`.

An object store keeps bytes under keys. The stores built on it decide what is visible when, so that
a killed process never leaves half a model.

Public names: `ObjectStore` (objects), `FolderStore` (folder), `MemoryStore` (memory), `ModelStore`
(models), `CheckpointStore` (checkpoints), `Card` and `CardDraft` (card).
"""
