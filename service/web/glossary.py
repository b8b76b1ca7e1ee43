"""The terms of machine learning on the pages: what each one means, and links to it."""

from typing import NamedTuple

from markupsafe import Markup


class Term(NamedTuple):
    """A term, as a heading, and what it means."""

    name: str
    meaning: str


# The key is the anchor of the term on the page Glossary.
TERMS = {
    "accuracy": Term("Accuracy", "The share of images for which the prediction is correct."),
    "activation": Term(
        "Activation",
        "The output of a neuron: the activation function of its weighted sum. Without this "
        "function, several layers could do no more than one.",
    ),
    "alias": Term(
        "Alias",
        "A name for a model that you choose, such as “best”. It can be used in place of the "
        "model’s id, and moved to another model later.",
    ),
    "batch": Term(
        "Batch",
        "The images that are used together for one update of the weights. The update follows the "
        "average of their gradients.",
    ),
    "bias": Term(
        "Bias",
        "A number that a neuron adds to its weighted sum. Training changes it, as it does the "
        "weights.",
    ),
    "calibration": Term(
        "Calibration",
        "How well confidence agrees with accuracy. Of the predictions that a calibrated model "
        "makes with a confidence of 70 %, 70 % are correct.",
    ),
    "confidence": Term(
        "Confidence", "The probability that a model gives to the class that it predicts."
    ),
    "confusion-matrix": Term(
        "Confusion matrix",
        "A table that counts, for each true class, how many of its images the model put into each "
        "class. The correct ones are on the diagonal.",
    ),
    "convolution": Term(
        "Convolution",
        "A layer that moves small filters over an image. At each place, a filter multiplies the "
        "pixels below it by its weights and adds the products: one number of its feature map.",
    ),
    "cross-entropy": Term(
        "Cross-entropy",
        "The loss that is used here: −log of the probability that the model gave to the true "
        "class. It is 0 for a certain, correct prediction, and grows without limit as this "
        "probability falls to 0.",
    ),
    "dropout": Term(
        "Dropout",
        "At each step of the training, leave out some neurons at random. The others must then "
        "work without them, which reduces overfitting.",
    ),
    "entropy": Term(
        "Entropy",
        "How uncertain a prediction is, from all its probabilities. It is 0 if one class has all "
        "of the probability, and ln 10 ≈ 2.30 nats if ten classes are equally probable.",
    ),
    "epoch": Term("Epoch", "One pass of the training over all training images."),
    "feature-map": Term(
        "Feature map",
        "What one filter of a convolution finds, as an image: large values where the input looks "
        "like the filter.",
    ),
    "filter": Term(
        "Filter",
        "The weights that a convolution applies at each place of its input, a small square of "
        "them for each channel. Each filter makes one feature map.",
    ),
    "gradient": Term(
        "Gradient",
        "How much the loss changes if a weight or a bias changes a little, for each of them. "
        "Training moves each one against its gradient, so that the loss falls.",
    ),
    "jacobian": Term(
        "Jacobian",
        "The table of all derivatives of several outputs with respect to several inputs: one row "
        "for each output, one column for each input.",
    ),
    "layer": Term(
        "Layer",
        "A group of neurons that all read the outputs of the layer before. Layers between the "
        "image and the last layer are called hidden.",
    ),
    "learning-rate": Term(
        "Learning rate",
        "How far each update moves the weights. If it is too small, training is slow. If it is "
        "too large, the loss rises instead of falling.",
    ),
    "logit": Term(
        "Logit",
        "The number that the last layer computes for a class, before softmax turns it into a "
        "probability. Only differences between logits matter.",
    ),
    "loss": Term(
        "Loss",
        "A number that says how wrong the predictions are; 0 is best. Training makes it small. "
        "Here it is the cross-entropy, averaged over the images.",
    ),
    "max-pool": Term(
        "Max-pool",
        "A layer that keeps only the largest value of each small square of a feature map. The map "
        "gets smaller, and it matters less where exactly something was found.",
    ),
    "nat": Term(
        "Nat",
        "The unit of loss and entropy, if logarithms are natural. Guessing among ten classes has a "
        "loss of ln 10 ≈ 2.30 nats. At 0.1 nat, the true class has a probability of about 90 %.",
    ),
    "neuron": Term(
        "Neuron",
        "A unit that multiplies each of its inputs by a weight, adds the products and a bias, and "
        "applies an activation function to the sum.",
    ),
    "occlusion": Term(
        "Occlusion",
        "Cover a part of the image and look how the prediction changes. If the probability of a "
        "class falls, this part spoke for it.",
    ),
    "overfitting": Term(
        "Overfitting",
        "Learning the training images by heart instead of what they have in common. The train "
        "loss still falls, while the test loss rises.",
    ),
    "pca": Term(
        "PCA",
        "Principal component analysis: it finds the directions in which data vary the most. The "
        "first two span the plane that shows as much of this variation as possible.",
    ),
    "precision": Term(
        "Precision",
        "For a class: the share of correct ones among all images that the model puts into it.",
    ),
    "recall": Term(
        "Recall", "For a class: the share of its images that the model puts into this class."
    ),
    "saturation": Term(
        "Saturation",
        "A neuron is saturated where its activation function is almost flat, as the sigmoid is far "
        "from 0. Its output and its weights then hardly change.",
    ),
    "seed": Term(
        "Seed",
        "The number from which all random numbers of a training are computed. The same recipe "
        "with the same seed gives the same model on the same machine.",
    ),
    "softmax": Term(
        "Softmax",
        "The function that turns logits into probabilities: each is e to the power of its logit, "
        "divided by the sum of these powers over all classes.",
    ),
    "step": Term(
        "Step",
        "One update of the weights, after one image or one batch of images.",
    ),
    "test-set": Term(
        "Test set",
        "10,000 images that are never used for training. How well a model does on them shows how "
        "it will do on images that it has not seen.",
    ),
    "training-set": Term("Training set", "The 60,000 images that a network learns from."),
    "weight": Term(
        "Weight",
        "A number by which a neuron multiplies one of its inputs. The weights and the biases are "
        "what training changes.",
    ),
}

GLOSSARY = "/ui/glossary"
_LINK = Markup('<a class="term" href="{}#{}">{}<span class="tip">{}</span></a>')


def term(key: str, text: str = "") -> Markup:
    """Return a link to a term of the glossary, which shows the meaning under the pointer or focus.

    Parameters
    ----------
    key
        Key of the term.
    text
        Text of the link; by default, the name of the term in lower case.
    """
    name, meaning = TERMS[key]
    return _LINK.format(GLOSSARY, key, text or name.lower(), meaning)
