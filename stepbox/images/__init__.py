"""Images: from the bytes of a file to the pixels that a network takes.

Files of many formats become grey levels, and these become images of the shape that a data set has.
Nothing here depends on a network or a request.

Public names: `decode_image` and `encode_png` (decode), `prepare` and `prepare_fields` (prepare).
"""
