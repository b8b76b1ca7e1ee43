"""Predictions, from the images of a request to the body of its response.

`endpoint` is Flask's view, and `quick` answers small requests without Flask. Both read the images
with `service.api.readers`, prepare them with `preparation`, predict with `answer`, and explain
with `explain`. `taught` finds the steps of the training that changed the loss of a sample most.
"""
