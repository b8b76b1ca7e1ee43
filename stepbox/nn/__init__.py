"""Networks: layers, activation functions, losses, and hand-written gradients.

`backprop` is the definition of the gradient of one sample; `kernels` has its compiled form. Nothing
here knows about data sets, recipes or stored models.
"""

from stepbox.nn.activations import ACTIVATIONS, Activation
from stepbox.nn.backprop import backward, descend, sample_gradients
from stepbox.nn.dense import Dense, DenseSpec
from stepbox.nn.layer import Layer, LayerSpec
from stepbox.nn.losses import cross_entropy, softmax
from stepbox.nn.network import LAYERS, Network, dense_layers, layer_specs

__all__ = [
    "ACTIVATIONS",
    "LAYERS",
    "Activation",
    "Dense",
    "DenseSpec",
    "Layer",
    "LayerSpec",
    "Network",
    "backward",
    "cross_entropy",
    "dense_layers",
    "descend",
    "layer_specs",
    "sample_gradients",
    "softmax",
]
