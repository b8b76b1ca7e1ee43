"""Images: from the bytes of a file to the pixels that a network takes.

Image files are decoded to grey levels, which are prepared as images of a data set's shape.
Nothing here depends on a network or a request.

Public names: `decode_image` and `encode_png` (decode), `prepare` and `prepare_fields` (prepare).
"""
