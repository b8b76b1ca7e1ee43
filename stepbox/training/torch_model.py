"""The torch model of a recipe, and how the trained model becomes a plain network."""

from itertools import pairwise

import numpy as np
import torch
from torch import nn

from stepbox.data.dataset import DatasetSpec
from stepbox.nn.activations import ACTIVATIONS, IDENTITY, ActivationName
from stepbox.nn.dense import Dense
from stepbox.nn.network import Network
from stepbox.training.recipe import Recipe
from stepbox.training.standardization import Standardization

MODULES: dict[ActivationName, type[nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "gelu": nn.GELU,
}


def initial_model(recipe: Recipe, spec: DatasetSpec) -> nn.Sequential:
    """Build the untrained model on the CPU; torch draws its weights from the recipe's seed."""
    specs = recipe.layer_specs(spec)
    sizes = [specs[0].inputs, *(layer.outputs for layer in specs)]
    with torch.random.fork_rng(devices=[]):  # restores the random state of the process
        torch.manual_seed(recipe.seed)
        modules: list[nn.Module] = [nn.Linear(sizes[0], sizes[1])]
        for n_in, n_out in pairwise(sizes[1:]):
            if recipe.normalization == "batch":
                modules.append(nn.BatchNorm1d(n_in))
            modules.append(MODULES[recipe.activation]())
            if recipe.dropout:
                modules.append(nn.Dropout(recipe.dropout))
            modules.append(nn.Linear(n_in, n_out))
        if recipe.initialization == "he":
            for module in modules:
                if isinstance(module, nn.Linear):
                    nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                    nn.init.zeros_(module.bias)
    return nn.Sequential(*modules)


def load(model: nn.Sequential, network: Network) -> None:
    """Set the linear layers of a model without batch normalization to those of a network."""
    linear = [module for module in model if isinstance(module, nn.Linear)]
    for module, layer in zip(linear, network.layers, strict=True):
        state = {name: torch.tensor(array) for name, array in layer.arrays.items()}
        module.load_state_dict(state)


def fold(
    model: nn.Sequential, standardization: Standardization | None, activation: ActivationName
) -> Network:
    """Make the plain network whose outputs equal those of a trained model.

    After training, batch normalization is the affine function γ (z − μ) / σ + β of each neuron. The
    standardization of the inputs is affine too. Both are folded into layers.

    Parameters
    ----------
    model
        Linear layers; all but the last may be followed by a batch normalization.
    standardization
        How the inputs were standardized; None if they were not.
    activation
        Activation function of the hidden layers.

    Returns
    -------
    Network
        A copy, in float32.
    """
    layers: list[Dense] = []
    for module in model:
        state = module.state_dict().values()
        arrays = [tensor.numpy(force=True).astype(np.float64) for tensor in state]
        if isinstance(module, nn.Linear):
            weights, biases = arrays
            layers.append(Dense(weights, biases, ACTIVATIONS[activation]))
        elif isinstance(module, nn.BatchNorm1d):
            gamma, beta, mu, variance, _ = arrays  # the last is the number of batches
            factor = gamma / np.sqrt(variance + module.eps)
            layers[-1].weights *= factor[:, None]
            layers[-1].biases = (layers[-1].biases - mu) * factor + beta
    layers[-1].activation = IDENTITY
    network = Network([*layers])
    if standardization is not None:
        standardization.fold(network)
    return network.copy(np.float32)
