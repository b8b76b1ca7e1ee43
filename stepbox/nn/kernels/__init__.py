"""The compiled forms of the learning code in `stepbox.nn`, and how they are compiled."""
