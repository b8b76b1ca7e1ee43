"""Storage: models, their cards and weights, aliases, and checkpoints."""
