"""Make a data set from an uploaded file: classes, one size for all images, splits and warnings.

Public names: `ImportOptions` and `ImportProgress` (options), `import_upload` (pipeline).
"""
