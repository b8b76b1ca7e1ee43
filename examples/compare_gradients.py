"""Compare the exact and the published gradient with complex-step derivatives.

The published gradient is that of the coursework that Stepbox reproduces; it has two mistakes. The
complex step gives the derivative of the loss C with respect to a weight w as Im C(w + ih) / h. It
needs only the forward pass, and loses no digits to cancellation.
"""

from stepbox import Network, load_dataset
from stepbox.analysis.gradient_check import check_gradients
from stepbox.data.dataset import scale_pixels
from stepbox.nn.network import dense_layers

test = load_dataset("mnist", "test")
sizes = (test.spec.features, 32, 32, len(test.spec.classes))
network = Network.initial(dense_layers(sizes, "sigmoid"), seed=1)
[x] = scale_pixels(test.samples[:1], "unit")

check = check_gradients(network, x, int(test.labels[0]), learning_rate=0.03)

print(f"The loss of the first test image is {check.loss:.3f}.")
print("Largest relative difference from the complex step, over the weights of each layer:")
print("layer  weights  exact gradient  published gradient")
for layer in check.layers:
    print(f"{layer.layer:5}  {layer.weights:7}  {layer.exact:14.1e}  {layer.published:18.1e}")
