"""Measure how many images per second Stepbox classifies if each request contains many images.

    python -m benchmarks.serving.bulk [--quick] [--recipe mnist-numpy]

Stepbox runs with its default settings, on two cores that it shares with wrk. It serves one model,
by default one with the recipe of the README. On four connections, wrk keeps sending the same
request. The answer is complete: for each image, the JSON contains the index, the label, its
probability, ten probabilities and ten logits.
"""

import argparse
import io
import json
import uuid
from pathlib import Path

import numpy as np

from benchmarks.serving.contenders import STEPBOX
from benchmarks.serving.deployment import CACHE, Deployment, prepare_bench
from benchmarks.serving.load import run_wrk, wrk_command
from benchmarks.serving.model import DATA, serve_model
from benchmarks.serving.processes import memory
from stepbox.data.builtin import load_dataset
from stepbox.images.decode import encode_png
from stepbox.nn.activations import Array
from stepbox.training.presets import RECIPES

CONNECTIONS = 4


def npy(images: Array) -> bytes:
    """Encode images, shape (n, 28, 28), as one `.npy` file."""
    stream = io.BytesIO()
    np.save(stream, images)
    return stream.getvalue()


def pixels(images: Array) -> bytes:
    """Encode images as JSON rows of pixels."""
    return json.dumps({"images": images.tolist()}, separators=(",", ":")).encode()


def multipart(images: Array, boundary: str) -> bytes:
    """Encode images as PNG files in one multipart form."""
    parts = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{index}.png"\r\n'
        "Content-Type: image/png\r\n\r\n".encode()
        + encode_png(image)
        + b"\r\n"
        for index, image in enumerate(images)
    )
    return b"".join(parts) + f"--{boundary}--\r\n".encode()


def main() -> None:
    """Print a table with one line per kind of request."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one round, with 2 s per measurement")
    parser.add_argument("--recipe", choices=RECIPES, default="mnist-numpy")
    arguments = parser.parse_args()
    rounds, seconds = (1, 2.0) if arguments.quick else (3, 8.0)
    recipe = RECIPES[arguments.recipe].model_copy(update={"epochs": 1})
    prepare_bench()
    images = load_dataset(recipe.dataset, "test", DATA).samples
    boundary = uuid.uuid4().hex
    cases = (
        (".npy", 10_000, "application/x-npy", npy(images)),
        (".npy", 1_000, "application/x-npy", npy(images[:1_000])),
        ("JSON", 500, "application/json", pixels(images[:500])),
        (
            "PNGs in one multipart",
            500,
            f"multipart/form-data; boundary={boundary}",
            multipart(images[:500], boundary),
        ),
    )
    deployment = Deployment(STEPBOX, CACHE, serve_model(CACHE / "bulk" / recipe.name, recipe))
    deployment.prepare()
    file = Path(deployment.folder, "bulk")
    print("| request | images | images/s | p50 ms | p99 ms | CPU µs per image | MB | errors |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    with deployment.running() as (port, _):
        for name, count, content_type, body in cases:
            file.write_bytes(body)
            command = wrk_command(
                f"http://127.0.0.1:{port}/predict", CONNECTIONS, seconds, content_type, [file]
            )
            loads = sorted((run_wrk(command) for _ in range(rounds)), key=lambda one: one.rate)
            load = loads[rounds // 2]
            print(
                f"| {name} | {count:,} | {load.rate * count:,.0f} | {load.p50_ms:.1f} "
                f"| {load.p99_ms:.1f} | {load.cpu_us / count:.2f} | {memory() / 1e6:,.0f} "
                f"| {sum(one.errors for one in loads)} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
