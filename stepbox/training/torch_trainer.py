"""The torch engine: mini-batch gradient descent in float32, on CUDA if a device is visible.

Recipes without AdamW, GELU, dropout or normalization use the formulas of `backprop`: autograd's
bookkeeping would take about half of the time at this size. All other recipes use autograd.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import assert_never

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from stepbox.data.dataset import Dataset
from stepbox.nn.activations import ActivationName, Array
from stepbox.nn.dense import DenseSpec
from stepbox.nn.layer import LayerSpec
from stepbox.nn.network import Network
from stepbox.training.captured_step import CapturedStep
from stepbox.training.computer import ComputerReport, processor_name
from stepbox.training.recipe import Recipe
from stepbox.training.torch_augmentation import DeviceAugmenter
from stepbox.training.torch_device import explain_out_of_memory
from stepbox.training.torch_model import fold, initial_model, load
from stepbox.training.trainer import Trainer

# Threads that compute each sum. The weights depend on this number, so it does not depend on the
# machine. A second thread gains nothing in dense networks of this size.
DENSE_THREADS = 1
CONVOLUTION_THREADS = 2

# f′(z), computed from a = f(z).
SLOPES: dict[ActivationName, Callable[[Tensor], Tensor]] = {
    "sigmoid": lambda a: a * (1 - a),
    "tanh": lambda a: 1 - a * a,
    "relu": torch.sign,
}


class TorchTrainer(Trainer):
    """The base of both torch trainers: it has the data set on the device, and a model.

    No step waits for the device. `train_samples` copies indices or augmented images to the device
    before its first step, and reads the losses after its last one. On CUDA, the first step runs
    operation by operation. Later steps replay a captured graph, except for smaller batches.
    """

    def __init__(self, recipe: Recipe, train_set: Dataset, start: Network | None = None) -> None:
        super().__init__(recipe, train_set, start)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self._unit = 255 if recipe.pixel_scale == "unit" else 1
        with explain_out_of_memory(recipe):
            if self.device == "cuda":
                torch.cuda.reset_peak_memory_stats()
            # The main memory may be too small for a whole data set, which may be a memory map.
            self._samples: Tensor | None = None
            if self.device == "cuda":
                self.augment_on_device()
            self._labels = torch.tensor(train_set.labels.astype(np.int64), device=self.device)
            if self.standardization is not None:
                self._mean, self._deviation = (
                    torch.tensor(array, dtype=torch.float32, device=self.device)
                    for array in self.standardization
                )
            self._class_weights = None
            if self.class_weights is not None:
                self._class_weights = torch.tensor(
                    self.class_weights, dtype=torch.float32, device=self.device
                )
            self._specs = recipe.layer_specs(train_set.spec)
            self._threads = DENSE_THREADS if is_dense(self._specs) else CONVOLUTION_THREADS
            model = initial_model(recipe, train_set.spec, self.standardization)
            if start is not None:
                load(model, self.started(fold(model, self._specs, None)))
            self._model = model.to(self.device)
        self._captured: CapturedStep | None = None
        self._warm = False  # whether a step has run

    def train_samples(self, indices: NDArray[np.int64]) -> tuple[Array, NDArray[np.bool_]]:
        """Train on these samples in order, batch by batch; return their losses and the mistakes."""
        batch_size = self.recipe.batch_size
        torch.set_num_threads(self._threads)
        with explain_out_of_memory(self.recipe):
            order = torch.from_numpy(indices).to(self.device)
            if self._samples is None:
                samples = torch.from_numpy(self.next_samples(indices)).to(self.device)
            else:
                samples = self._device_augment(
                    self._samples[order], self.epochs_done + 1, self.samples_done
                )
            labels = self._labels[order]
            rates = self.next_rates(len(indices)).tolist()
            batches = zip(
                torch.split(self._scaled(samples), batch_size),
                torch.split(labels, batch_size),
                rates,
                strict=True,
            )
            logits = torch.cat([self._step(*batch) for batch in batches])
            losses = functional.cross_entropy(logits, labels, reduction="none")
            if self._class_weights is not None:
                losses = losses * self._class_weights[labels]
            wrong = logits.argmax(1) != labels
            return losses.numpy(force=True).astype(np.float64), wrong.numpy(force=True)

    def parameters(self) -> dict[str, Array]:
        """Return the parameters of the plain network, for standardized inputs."""
        return fold(self._model, self._specs, None).named_arrays()

    def network(self) -> Network:
        """Return a NumPy copy of the network in its current state, folded into plain layers."""
        return fold(self._model, self._specs, self.standardization)

    def computer(self) -> ComputerReport:
        """Describe the processor or GPU that the training runs on."""
        if self.device == "cpu":
            name, instructions = processor_name(), torch.backends.cpu.get_cpu_capability()
        else:
            major, minor = torch.cuda.get_device_capability()
            name, instructions = torch.cuda.get_device_name(), f"sm_{major}{minor}"
        return ComputerReport(processor=name, instructions=instructions, threads=self._threads)

    def peak_memory(self) -> int:
        """Return the peak memory in bytes: of the process, or on CUDA, of the device."""
        if self.device == "cpu":
            return super().peak_memory()
        return torch.cuda.max_memory_allocated()

    def arrays(self) -> dict[str, Array]:
        """Return a copy of every array that a step changes."""
        model = self._model.state_dict()
        return {f"model.{name}": tensor.numpy(force=True).copy() for name, tensor in model.items()}

    def set_arrays(self, arrays: Mapping[str, Array]) -> None:
        """Restore the arrays that `arrays` returned."""
        self._captured, self._warm = None, False
        self._model.load_state_dict(
            {name: torch.tensor(arrays[f"model.{name}"]) for name in self._model.state_dict()}
        )

    def augment_on_device(self) -> None:
        """Copy the data set to the device, and augment its images there from now on."""
        self._samples = torch.tensor(self.train_set.samples, device=self.device)
        self._device_augment = DeviceAugmenter(self._augment, self.device)

    def _step(self, inputs: Tensor, labels: Tensor, rate: float) -> Tensor:
        if self.device == "cpu" or len(labels) < self.recipe.batch_size or not self._warm:
            self._warm = True
            return self._descend(inputs, labels, rate)
        if self._captured is None:
            self._captured = CapturedStep(self._descend, inputs, labels)
        return self._captured(inputs, labels, rate)

    def _scaled(self, samples: Tensor) -> Tensor:
        inputs = samples.reshape(len(samples), -1).to(torch.float32)
        if self._unit != 1:
            inputs /= self._unit
        if self.standardization is not None:
            inputs = inputs.sub_(self._mean).div_(self._deviation)
        return inputs

    @abstractmethod
    def _descend(self, inputs: Tensor, labels: Tensor, rate: float | Tensor) -> Tensor:
        """Take one step on the mean gradient of a batch; return its logits before the step."""


class FormulaTrainer(TorchTrainer):
    """Plain gradient descent by `backprop`'s formulas, for all samples of a batch at once."""

    def __init__(self, recipe: Recipe, train_set: Dataset, start: Network | None = None) -> None:
        super().__init__(recipe, train_set, start)
        # These share the model's memory.
        parameters = [parameter.detach() for parameter in self._model.parameters()]
        self._layers = list(zip(parameters[::2], parameters[1::2], strict=True))
        self._one_hot = torch.eye(len(train_set.spec.classes), device=self.device)
        self._function = getattr(torch, recipe.activation)  # torch uses the same names
        self._slope = SLOPES[recipe.activation]

    @torch.no_grad()
    def _descend(self, inputs: Tensor, labels: Tensor, rate: float | Tensor) -> Tensor:
        activations = [inputs]
        for weights, biases in self._layers[:-1]:
            z = torch.addmm(biases, activations[-1], weights.T)
            activations.append(self._function(z))
        weights, biases = self._layers[-1]
        logits = torch.addmm(biases, activations[-1], weights.T)
        # δ·η/n, so that the updates need no factor. In a captured graph, the rate is a tensor.
        probabilities = torch.log_softmax(logits, 1).exp_()  # other operations change the last bits
        delta = probabilities.sub_(self._one_hot[labels]).mul_(rate / len(labels))
        if self._class_weights is not None:
            delta *= self._class_weights[labels, None]
        for (weights, biases), a in zip(self._layers[::-1], activations[::-1], strict=True):
            passed = delta if a is inputs else (delta @ weights).mul_(self._slope(a))
            weights.addmm_(delta.T, a, alpha=-1)
            biases.sub_(delta.sum(0))
            delta = passed
        return logits


class AutogradTrainer(TorchTrainer):
    """Gradient descent for any recipe, by autograd and torch's own optimizers."""

    def __init__(self, recipe: Recipe, train_set: Dataset, start: Network | None = None) -> None:
        super().__init__(recipe, train_set, start)
        parameters = self._model.parameters()
        self._optimizer: torch.optim.Optimizer
        if recipe.optimizer == "adamw":
            self._optimizer = torch.optim.AdamW(
                parameters,
                weight_decay=recipe.weight_decay,
                fused=True,
                capturable=self.device == "cuda",
            )
        elif recipe.optimizer == "sgd":
            self._optimizer = torch.optim.SGD(parameters, fused=True)
        else:
            assert_never(recipe.optimizer)

    def train_samples(self, indices: NDArray[np.int64]) -> tuple[Array, NDArray[np.bool_]]:
        """Train on these samples in order, batch by batch; return their losses and the mistakes."""
        # Dropout draws from torch's global generator. It is seeded by the position in the training,
        # so checkpoints do not contain its state. `fork_rng` restores its state afterwards.
        place = [self.recipe.seed, self.epochs_done, self.samples_done]
        with torch.random.fork_rng():
            torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))
            return super().train_samples(indices)

    def arrays(self) -> dict[str, Array]:
        """Return a copy of every array that a step changes, including the optimizer's moments."""
        moments = self._optimizer.state_dict()["state"]
        return super().arrays() | {
            f"optimizer.{parameter}.{name}": tensor.numpy(force=True).copy()
            for parameter, tensors in moments.items()
            for name, tensor in tensors.items()
        }

    def set_arrays(self, arrays: Mapping[str, Array]) -> None:
        """Restore the arrays that `arrays` returned."""
        super().set_arrays(arrays)
        parameters = list(self._model.parameters())
        moments: dict[int, dict[str, Tensor]] = {}
        for key, array in arrays.items():
            if key.startswith("optimizer."):
                _, number, name = key.split(".")
                parameter, moment = parameters[int(number)], torch.tensor(array)
                if moment.shape == parameter.shape:
                    # Fused optimizers need moments in the memory order of their parameter.
                    moment = torch.empty_like(parameter, requires_grad=False).copy_(moment)
                moments.setdefault(int(number), {})[name] = moment
        self._optimizer.load_state_dict(self._optimizer.state_dict() | {"state": moments})

    def _descend(self, inputs: Tensor, labels: Tensor, rate: float | Tensor) -> Tensor:
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        logits = self._model(inputs)
        if self._class_weights is None:
            loss = functional.cross_entropy(logits, labels)
        else:  # torch's own mean divides by the weights of the batch
            loss = functional.cross_entropy(logits, labels, self._class_weights, reduction="sum")
            loss = loss / len(labels)
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        self._optimizer.step()
        result: Tensor = logits.detach()
        return result


def make_torch_trainer(
    recipe: Recipe, train_set: Dataset, start: Network | None = None
) -> TorchTrainer:
    """Make the trainer of a recipe: by formulas if the recipe is plain, else by autograd."""
    simple = (recipe.optimizer, recipe.dropout, recipe.normalization) == ("sgd", 0, "none")
    dense = is_dense(recipe.layer_specs(train_set.spec))
    plain = simple and dense and recipe.activation in SLOPES
    return (FormulaTrainer if plain else AutogradTrainer)(recipe, train_set, start)


def is_dense(specs: Iterable[LayerSpec]) -> bool:
    """Return whether all layers of a network are dense."""
    return all(isinstance(spec, DenseSpec) for spec in specs)
