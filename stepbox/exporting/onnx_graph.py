"""Write a model as an ONNX file, and compare its predictions with the network's.

The input and the outputs are those of the Open Inference Protocol (`service/api/inference`):
``images``, uint8, shape (n, *shape), or ``inputs``, double, for vectors; ``probabilities`` and
``logits``, float, shape (n, classes). So the scale of the pixels is inside the graph, and nobody
can choose the wrong one.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from stepbox import __version__
from stepbox.errors import ExportError, InvalidInputError, StepboxError
from stepbox.nn.activations import ActivationName, Array
from stepbox.nn.convolution import ConvolutionSpec
from stepbox.nn.dense import DenseSpec
from stepbox.nn.layer import LayerSpec
from stepbox.nn.losses import softmax
from stepbox.nn.network import Network, type_of
from stepbox.nn.pooling import MaxPoolSpec
from stepbox.nn.windows import WindowedSpec
from stepbox.store.card import CardDraft
from stepbox.training.evaluation import predict_logits

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET, IR_VERSION = 17, 8  # of 2022: programs that read ONNX have had time to support them
TOLERANCE = 1e-5  # largest difference of a probability
ERRORS_ONLY = 3  # a level of onnxruntime's log


class CheckSamples(NamedTuple):
    """Samples to compare predictions on.

    Attributes
    ----------
    samples
        Shape (n, *shape), as data sets have them.
    source
        Where they come from, in words.
    """

    samples: NDArray[Any]
    source: str


def write_onnx(card: CardDraft, network: Network, samples: CheckSamples) -> bytes:
    """Return an ONNX file that gives the predictions of a network.

    Raises
    ------
    ExportError
        It does not, by onnxruntime on these samples.
    InvalidInputError
        The network has layers that the graph cannot have (``/format``).
    StepboxError
        `onnx` or `onnxruntime` is not installed.
    """
    try:
        import onnx  # noqa: F401 - both are imported only here: they take 40 MB of memory
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise StepboxError(
            f"{error.name} is not installed: pip install 'stepbox[export]'"
        ) from error
    content: bytes = _Graph(card, network).model().SerializeToString(deterministic=True)
    _check(content, card, network, samples)
    return content


class _Graph:
    """The nodes of a network, and the tensors that they use.

    Images, probabilities and all values of a network for images are 32-bit floats. Those of a
    network for vectors have the float type of its weights: a column may need more digits.
    """

    def __init__(self, card: CardDraft, network: Network) -> None:
        from onnx import TensorProto

        spec = card.dataset
        self._card = card
        self._dtype = network.dtype if spec.kind == "vectors" else np.dtype(np.float32)
        self._float = TensorProto.DOUBLE if self._dtype == np.float64 else TensorProto.FLOAT
        self._nodes: list[Any] = []
        self._tensors: list[Any] = []
        self._value = self._input = "images" if spec.kind == "images" else "inputs"
        self._add("Cast", to=self._float)
        if spec.kind == "images" and card.recipe.pixel_scale == "unit":
            self._add("Div", self._tensor(255))
        images = False  # whether the value is images with their channels first
        for layer_spec, layer in zip(card.layers, network.layers, strict=True):
            if type(layer_spec) not in _LAYERS:
                detail = f"must be npz: ONNX files have no layers of the type {type_of(layer_spec)}"
                raise InvalidInputError.at("/format", detail)
            windowed = isinstance(layer_spec, WindowedSpec)
            if windowed and not images:
                self._add("Reshape", self._tensor([0, *layer_spec.input_shape], np.int64))
                self._add("Transpose", perm=[0, 3, 1, 2])
            elif images and not windowed:
                self._add("Transpose", perm=[0, 2, 3, 1])
            if not windowed and len(layer_spec.input_shape) > 1:
                self._add("Flatten", axis=1)
            images = windowed
            _LAYERS[type(layer_spec)](self, layer_spec, layer.arrays)
            activation: ActivationName | None = getattr(layer_spec, "activation", None)
            if activation is not None:
                _ACTIVATIONS[activation](self)

    def model(self) -> "ModelProto":
        """Return the whole file, which says what it is."""
        from onnx import TensorProto, helper

        spec = self._card.dataset
        logits = self._value
        self._add("Softmax", axis=1)
        for name, value in (("probabilities", self._value), ("logits", logits)):
            self._nodes.append(helper.make_node("Cast", [value], [name], to=TensorProto.FLOAT))
        kind = TensorProto.UINT8 if spec.kind == "images" else TensorProto.DOUBLE
        graph = helper.make_graph(
            self._nodes,
            self._card.id,
            [helper.make_tensor_value_info(self._input, kind, ["n", *spec.shape])],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", len(spec.classes)])
                for name in ("probabilities", "logits")
            ],
            self._tensors,
        )
        model = helper.make_model(
            graph,
            producer_name="stepbox",
            producer_version=__version__,
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )
        helper.set_model_props(
            model,
            {
                "model": self._card.id,
                "dataset": spec.name,
                "dataset_checksum": spec.checksum,
                "classes": json.dumps(spec.classes, ensure_ascii=False),
                "input": _describe_input(self._card),
            },
        )
        return model

    def dense(self, spec: DenseSpec, arrays: dict[str, Array]) -> None:
        """Add z = W x + b."""
        self._add("Gemm", *self._parameters(arrays["weight"], arrays["bias"]), transB=1)

    def convolution(self, spec: ConvolutionSpec, arrays: dict[str, Array]) -> None:
        """Add a convolution of images whose channels come first."""
        weight = arrays["weight"].transpose(0, 3, 1, 2)
        self._add(
            "Conv",
            *self._parameters(weight, arrays["bias"]),
            kernel_shape=[spec.kernel] * 2,
            strides=[spec.stride] * 2,
            pads=[spec.padding] * 4,
        )

    def max_pool(self, spec: MaxPoolSpec, arrays: dict[str, Array]) -> None:
        """Add the maximum of each window."""
        self._add("MaxPool", kernel_shape=[spec.size] * 2, strides=[spec.stride] * 2)

    def sigmoid(self) -> None:
        """Add 1 / (1 + exp(−z))."""
        self._add("Sigmoid")

    def tanh(self) -> None:
        """Add tanh z."""
        self._add("Tanh")

    def relu(self) -> None:
        """Add max(z, 0)."""
        self._add("Relu")

    def gelu(self) -> None:
        """Add z Φ(z) = z (1 + erf(z / √2)) / 2. The operator Gelu is newer than `OPSET`."""
        from onnx import TensorProto

        z = self._value
        self._add("Mul", self._tensor(np.sqrt(0.5)))
        self._add("Cast", to=TensorProto.FLOAT)  # onnxruntime has Erf for no other type
        self._add("Erf")
        self._add("Cast", to=self._float)
        self._add("Add", self._tensor(1))
        self._add("Mul", z)
        self._add("Mul", self._tensor(0.5))

    def _add(self, operator: str, *others: str, **attributes: Any) -> None:
        """Apply an operator to the value so far, and to other tensors."""
        from onnx import helper

        output = f"{len(self._nodes)}.{operator.lower()}"
        node = helper.make_node(operator, [self._value, *others], [output], **attributes)
        self._nodes.append(node)
        self._value = output

    def _parameters(self, weight: Array, bias: Array) -> tuple[str, str]:
        return self._tensor(weight), self._tensor(bias)

    def _tensor(self, values: ArrayLike, dtype: DTypeLike | None = None) -> str:
        """Add a constant, by default in the float type of the graph; return its name."""
        from onnx import numpy_helper

        name = f"constant.{len(self._tensors)}"
        array = np.array(values, dtype or self._dtype, order="C")
        self._tensors.append(numpy_helper.from_array(array, name))
        return name


_LAYERS: dict[type[LayerSpec], Callable[[_Graph, Any, dict[str, Array]], None]] = {
    DenseSpec: _Graph.dense,
    ConvolutionSpec: _Graph.convolution,
    MaxPoolSpec: _Graph.max_pool,
}
_ACTIVATIONS: dict[ActivationName, Callable[[_Graph], None]] = {
    "sigmoid": _Graph.sigmoid,
    "tanh": _Graph.tanh,
    "relu": _Graph.relu,
    "gelu": _Graph.gelu,
}


def _describe_input(card: CardDraft) -> str:
    shape = ", ".join(map(str, card.dataset.shape))
    if card.dataset.kind == "vectors":
        columns = ", ".join(card.dataset.columns or ())
        return f"vectors, shape (n, {shape})" + (f", of the columns {columns}" if columns else "")
    return (
        f"pixels from 0 (black) to 255, shape (n, {shape}), in the form that the images of the "
        "data set have: the graph neither inverts nor fits them"
    )


def _check(content: bytes, card: CardDraft, network: Network, samples: CheckSamples) -> None:
    """Raise ExportError unless onnxruntime gives the predictions of the network."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it would keep the memory of the largest block
    options.log_severity_level = ERRORS_ONLY
    session = InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    worst = 0.0
    for block in network.blocks(len(samples.samples)):
        part = samples.samples[block]
        logits = predict_logits(network, part, card.recipe.pixel_scale)
        (found,) = session.run(["probabilities"], {given.name: part})
        difference = np.abs(found - softmax(logits.astype(np.float64))).max()
        worst = max(worst, np.inf if np.isnan(difference) else float(difference))
    if worst > TOLERANCE:
        raise ExportError(
            f"the ONNX file of {card.id} is not returned, because it does not give the model's "
            f"predictions: on {samples.source}, a probability differs by {worst:.1e}, and at most "
            f"{TOLERANCE:.0e} is allowed. Its 32-bit floats are not exact enough for this network: "
            "export it as npz"
        )
