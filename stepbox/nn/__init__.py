"""Networks: layers, activation functions, losses, and hand-written gradients.

`backprop` is the definition of the gradient of one sample; `kernels` has its compiled form. Nothing
here knows about data sets, recipes or stored models.

Public names: `Network`, `LAYERS`, `layer_specs` and `dense_layers` (network), `Layer` and
`LayerSpec` (layer), `Dense` and `DenseSpec` (dense), `Convolution` and `ConvolutionSpec`
(convolution), `MaxPool` and `MaxPoolSpec` (pooling), `Activation` and `ACTIVATIONS` (activations),
`softmax` and `cross_entropy` (losses), `backward`, `sample_gradients` and `descend` (backprop).
"""
