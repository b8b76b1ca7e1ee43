"""A training step as one CUDA graph, which is launched as a whole.

If Python launches the operations of a small network one by one, the device waits for Python much
longer than it computes.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Step = Callable[[Tensor, Tensor, float | Tensor], Tensor]


class CapturedStep:
    """A step on batches of one size. Call it like the step itself.

    A graph reads and writes the same memory each time. Each batch is therefore copied to where the
    graph reads it, and the logits are copied from where the graph writes them.

    Parameters
    ----------
    step
        Takes inputs (batch, pixels), labels (batch) and a learning rate, and returns logits. It
        must have run before, so that its setup is complete, and it must never read a value from
        the device.
    inputs, labels
        A batch of that size. Capturing trains nothing.
    """

    def __init__(self, step: Step, inputs: Tensor, labels: Tensor) -> None:
        self._inputs = inputs.clone()
        self._labels = labels.clone()
        self._rate = torch.zeros((), device=inputs.device)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._logits = step(self._inputs, self._labels, self._rate)

    def __call__(self, inputs: Tensor, labels: Tensor, rate: float) -> Tensor:
        """Take the step on a batch, without waiting for the device."""
        self._inputs.copy_(inputs)
        self._labels.copy_(labels)
        self._rate.fill_(rate)
        self._graph.replay()
        return self._logits.clone()
