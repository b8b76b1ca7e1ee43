"""The folder of a model, as MLflow loads it, made of an exported ONNX file."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any


def save_onnx(content: bytes, folder: Path, model: Any) -> None:
    """Write the folder of a model.

    Parameters
    ----------
    content
        The ONNX file.
    folder
        A new folder.
    model
        The `mlflow.models.Model` that describes it.
    """
    import onnx
    from mlflow.onnx import save_model

    graph = onnx.load_model_from_string(content)
    save_model(
        graph,
        str(folder),
        mlflow_model=model,
        signature=_signature(graph.graph),
        metadata={entry.key: entry.value for entry in graph.metadata_props},
        # Given, because MLflow would otherwise load the model in another process to find out.
        pip_requirements=list(_requirements()),
        onnx_execution_providers=["CPUExecutionProvider"],
        save_as_external_data=False,
    )


def _requirements() -> list[str]:
    """Return what loads the model, in the versions of this environment if they are known."""
    found = []
    for name in ("onnx", "onnxruntime"):
        try:
            found.append(f"{name}=={version(name)}")
        except PackageNotFoundError:
            found.append(name)
    return found


def _signature(graph: Any) -> Any:
    """Return the tensors that a graph takes and returns, as MLflow describes them."""
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec
    from onnx.helper import tensor_dtype_to_np_dtype

    def schema(tensors: Any) -> Any:
        return Schema(
            [
                TensorSpec(
                    tensor_dtype_to_np_dtype(tensor.type.tensor_type.elem_type),
                    # The first dimension has a name instead of a size.
                    tuple(size.dim_value or -1 for size in tensor.type.tensor_type.shape.dim),
                    tensor.name,
                )
                for tensor in tensors
            ]
        )

    return ModelSignature(inputs=schema(graph.input), outputs=schema(graph.output))
