"""The names of the recipes, and what each of them does."""

# The first sentence says what to expect, as short as a list needs it. The durations are those of
# docs/reference/recipes.md, on one core without a GPU.
DESCRIPTIONS: dict[str, str] = {
    "mnist-numpy": "Learns to read digits in about a second. Gradients written by hand in NumPy.",
    "mnist-numpy-published": "The same with the coursework's own gradient. Raw pixels and two "
    "deviations from the true gradient make it less accurate. It takes about a second.",
    "mnist-numpy-best": "More accurate on digits, in half a minute. A wider ReLU network in "
    "NumPy, trained on one image at a time. The images are distorted anew in each epoch.",
    "mnist-numpy-convolution": "More accurate on digits, in about five minutes. Two convolutions, "
    "written by hand in NumPy and trained on one distorted image at a time.",
    "mnist-numpy-record": "The best dense layers, in ten minutes. The same "
    "as mnist-numpy-best, with a larger network and more epochs.",
    "fashion-mnist-torch": "Learns to name clothes in one to four minutes. The coursework's "
    "PyTorch network on Fashion-MNIST: plain gradient descent in batches of 64 images.",
    "fashion-mnist-torch-best": "More accurate on clothes, in four minutes. The same layers, "
    "trained with AdamW, batch normalization and varied images.",
    "mnist-torch-convolution": "The most accurate on digits, in an hour. Five "
    "convolutions in PyTorch, with batch normalization and varied images.",
    "fashion-mnist-torch-convolution": "Learns to name clothes in twenty minutes. Five "
    "convolutions in PyTorch, with batch normalization and varied images.",
    "playground": "Learns to tell three spirals apart in seconds. A network of two inputs, "
    "with gradients written by hand in NumPy. The page Playground draws it while it learns.",
}
