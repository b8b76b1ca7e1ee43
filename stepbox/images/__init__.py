"""Images: from the bytes of a file to the pixels that a network takes.

Image files are decoded to grey levels or colors, which are prepared as the data set's images were
made: `convert_image` made those of an uploaded data set.
Nothing here depends on a network or a request.

Public names: `convert_image`, `convert_pixels`, `default_size` and `measure_image` (convert),
`decode_image` and `encode_png` (decode), `Prepared` (field), `prepare` (prepare).
"""
