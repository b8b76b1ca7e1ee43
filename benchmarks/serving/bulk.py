"""Print how many images a second Stepbox classifies where a request carries many.

    python -m benchmarks.serving.bulk [--quick] [--recipe mnist-numpy]

Started as users start it, on two cores of which wrk takes its share, with one model: by default
the one that the README's tour trains. Four connections send the same request again and again.
Every answer is the whole one: index, label, probability, ten probabilities and ten logits an
image, as JSON.
"""

import argparse
import io
import json
import uuid
from pathlib import Path

import numpy as np

from benchmarks.serving.contenders import STEPBOX
from benchmarks.serving.load import run_wrk, wrk_command
from benchmarks.serving.model import DATA, serve_model
from benchmarks.serving.place import CACHE, Place, prepare_bench
from benchmarks.serving.processes import memory
from stepbox.data.builtin import load_dataset
from stepbox.images.decode import encode_png
from stepbox.nn.activations import Array
from stepbox.training.presets import RECIPES

CONNECTIONS = 4


def npy(images: Array) -> bytes:
    """Write images, shape (n, 28, 28), as one `.npy` file."""
    stream = io.BytesIO()
    np.save(stream, images)
    return stream.getvalue()


def pixels(images: Array) -> bytes:
    """Write images as JSON rows of pixels."""
    return json.dumps({"images": images.tolist()}, separators=(",", ":")).encode()


def multipart(images: Array, boundary: str) -> bytes:
    """Write images as PNG files, each a part of one form."""
    parts = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{index}.png"\r\n'
        "Content-Type: image/png\r\n\r\n".encode()
        + encode_png(image)
        + b"\r\n"
        for index, image in enumerate(images)
    )
    return b"".join(parts) + f"--{boundary}--\r\n".encode()


def main() -> None:
    """Print a table, one line for each kind of request."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one round of 2 s, to try it")
    parser.add_argument("--recipe", choices=RECIPES, default="mnist-numpy")
    arguments = parser.parse_args()
    rounds, seconds = (1, 2.0) if arguments.quick else (3, 8.0)
    recipe = RECIPES[arguments.recipe].model_copy(update={"epochs": 1})
    prepare_bench()
    images = load_dataset(recipe.dataset, "test", DATA).images
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
    place = Place(STEPBOX, CACHE, serve_model(CACHE / "bulk" / recipe.name, recipe))
    place.prepare()
    file = Path(place.folder, "bulk")
    print("| request | images in it | images/s | p50 ms | p99 ms | CPU µs an image | MB | errors |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    with place.running() as (port, _):
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
