"""Train a network on MNIST, with the training loop written out.

For each image, run the network forward, compute the gradient of the loss by backpropagation, and
move every weight a small step against the gradient.
"""

import numpy as np

from stepbox import Network, load_dataset
from stepbox.data.dataset import scale_pixels
from stepbox.nn.backprop import sample_gradients
from stepbox.nn.losses import cross_entropy
from stepbox.nn.network import dense_layers

LEARNING_RATE = 0.03
STEPS = 8_000

train, test = load_dataset("mnist", "train"), load_dataset("mnist", "test")
inputs = scale_pixels(train.samples[:STEPS], "unit")  # one row of numbers from 0 to 1 per image
sizes = (train.spec.features, 32, 32, len(train.spec.classes))
network = Network.initial(dense_layers(sizes, "sigmoid"), seed=1)

losses = []
for step, (x, label) in enumerate(zip(inputs, train.labels[:STEPS], strict=True), 1):
    losses.append(cross_entropy(network.logits(x[None]), np.array([label]))[0])
    gradients = sample_gradients(network, x, label)
    for layer, gradient in zip(network.layers, gradients, strict=True):
        for name, array in layer.arrays.items():  # the weights and the biases
            array -= LEARNING_RATE * gradient[name]
    if step % 2_000 == 0:
        print(f"step {step}: mean loss of the last 2000 images {np.mean(losses[-2_000:]):.2f}")

predicted = network.logits(scale_pixels(test.samples, "unit")).argmax(axis=1)
print(f"test accuracy: {np.mean(predicted == test.labels):.1%}")
