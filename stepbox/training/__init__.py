"""Trainings: recipes, both engines, and the loop over the epochs."""
