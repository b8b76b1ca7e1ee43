"""Images: from the bytes of a file to the pixels that a network takes.

Image files are decoded to grey levels, which are prepared as the data set's images were made.
Nothing here depends on a network or a request.

Public names: `decode_image` and `encode_png` (decode), `Prepared` (field), `prepare` (prepare).
"""
