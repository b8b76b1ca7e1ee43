"""Predictions, from the bytes of a request to the body of its response.

`endpoint` is the view, and `quick` answers small requests without it. Both read the images with
`images`, predict with `answer`, and explain with `explain`.
"""
