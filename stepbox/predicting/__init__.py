"""Predictions of whole data sets: files with a row for each sample, and what they show together.

Public names: `predict_dataset` (pipeline).
"""
