"""A training step as one CUDA graph: launched as a whole instead of operation by operation.

At the sizes of these networks a device waits for Python far longer than it computes.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Step = Callable[[Tensor, Tensor, float | Tensor], Tensor]


class CapturedStep:
    """A step on batches of one size, to be called as the step itself.

    A graph reads and writes the same memory each time, so each batch is copied to where the
    graph reads it, and the loss from where it writes it.

    Parameters
    ----------
    step
        From inputs (batch, pixels), labels (batch) and a learning rate to a loss. It has been
        taken before, so that all it sets up at its first time is there, and it never looks at
        a value on the device.
    inputs, labels
        A batch of that size; no step is taken on it.
    """

    def __init__(self, step: Step, inputs: Tensor, labels: Tensor) -> None:
        self._inputs = inputs.clone()
        self._labels = labels.clone()
        self._rate = torch.zeros((), device=inputs.device)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._loss = step(self._inputs, self._labels, self._rate)

    def __call__(self, inputs: Tensor, labels: Tensor, rate: float) -> Tensor:
        """Take the step on a batch; nothing waits for it."""
        self._inputs.copy_(inputs)
        self._labels.copy_(labels)
        self._rate.fill_(rate)
        self._graph.replay()
        return self._loss.clone()
