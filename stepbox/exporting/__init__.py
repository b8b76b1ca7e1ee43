"""Write models as files that other programs read: those of ONNX, NumPy and torch.

Public names: `export` (formats), `FORMATS` (names).
"""
