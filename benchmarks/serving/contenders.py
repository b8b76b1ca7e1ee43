"""The servers to compare: how to install and start them, send requests, and read answers."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.serving.processes import ROOT

PEERS = ROOT / "benchmarks" / "serving" / "peers"


def raw(image: bytes) -> bytes:
    """Return an image file unchanged."""
    return image


def inference_request(image: bytes) -> bytes:
    """Wrap an image file in a request of the Open Inference Protocol v2."""
    data = [base64.b64encode(image).decode()]
    tensor = {"name": "image", "shape": [1, 1], "datatype": "BYTES", "data": data}
    return json.dumps({"inputs": [tensor]}).encode()


@dataclass(frozen=True)
class Contender:
    """A server that serves the network of this benchmark.

    Commands, settings and files may contain `{port}`, `{port1}` and `{port2}` (ports to listen on),
    `{folder}` (for its files), `{env}` (its virtual environment), `{root}` (the folder of this
    repository), `{models}` and `{weights}` (the model).

    Attributes
    ----------
    name
        Name for `--peers`.
    title
        Name in the table. `{fastapi}`, for example, is replaced by the version of FastAPI.
    command
        Command that starts the server. It runs in `peers/` if there are requirements, else in the
        folder of this repository.
    requirements
        Packages to install from PyPI into its virtual environment; if there are none, it runs in
        the environment of Stepbox.
    settings
        Environment variables.
    needs
        A program that must be in PATH.
    files
        Maps the names of files in its folder to their text; written before each start.
    prepare
        Commands to run once before the first start.
    path
        Path of the prediction requests.
    content_type
        Content type of the requests.
    body
        Turns an image file into the body of a request.
    form
        Form of the request, for the table.
    probabilities
        Returns the ten probabilities from a parsed answer.
    """

    name: str
    title: str
    command: str
    requirements: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    needs: str = ""
    files: dict[str, str] = field(default_factory=dict)
    prepare: tuple[str, ...] = ()
    path: str = "/predict"
    content_type: str = "image/png"
    body: Callable[[bytes], bytes] = raw
    form: str = "raw"
    probabilities: Callable[[Any], list[float]] = lambda answer: answer


def procfile() -> dict[str, str]:
    """Read Procfile; return the commands of Stepbox's processes by name."""
    lines = (line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    return {name: command.replace("exec ", "") for name, command in lines}


ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}  # as in `service/server/gunicorn_conf.py`
STEPBOX_SETTINGS = {"STEPBOX_PORT": "{port}", "STEPBOX_MODELS_DIR": "{models}"}


def _of_stepbox(answer: Any) -> list[float]:
    return answer["predictions"][0]["probabilities"]


STEPBOX = Contender(
    name="stepbox",
    title="Stepbox",
    command=procfile()["service"],
    settings=STEPBOX_SETTINGS,
    probabilities=_of_stepbox,
)

TORCHSERVE_SETTINGS = """\
inference_address=http://127.0.0.1:{port}
management_address=http://127.0.0.1:{port1}
metrics_address=http://127.0.0.1:{port2}
model_store={folder}
load_models=predict.mar
default_workers_per_model=2
number_of_netty_threads=2
disable_token_authorization=true
disable_system_metrics=true
install_py_dep_per_model=false
"""

# Log only warnings: by default, TorchServe logs fifteen lines per request.
TORCHSERVE_LOGGING = """\
<Configuration>
  <Appenders><Console name="console"><PatternLayout pattern="%p %m%n"/></Console></Appenders>
  <Loggers><Root level="warn"><AppenderRef ref="console"/></Root></Loggers>
</Configuration>
"""

CONTENDERS = (
    STEPBOX,
    Contender(
        name="fastapi",
        title="FastAPI {fastapi} + torch, uvicorn {uvicorn} ×2",
        requirements=(
            "fastapi==0.165.0",
            "uvicorn==0.54.0",
            "uvloop==0.23.0",
            "httptools==0.9.0",
            "orjson==3.13.0",
        ),
        command="{env}/bin/uvicorn fastapi_app:app --port {port} --workers 2 --loop uvloop "
        "--http httptools --no-access-log --log-level warning",
    ),
    Contender(
        name="litserve",
        title="LitServe {litserve}",
        requirements=("litserve==0.2.19",),
        command="{env}/bin/python litserve_app.py",
    ),
    Contender(
        name="bentoml",
        title="BentoML {bentoml}",
        requirements=("bentoml==1.4.40",),
        command="{env}/bin/bentoml serve bentoml_app:Serving --port {port} --host 127.0.0.1",
        settings={"BENTOML_HOME": "{folder}", "BENTOML_DO_NOT_TRACK": "True"},
    ),
    Contender(
        name="mlserver",
        title="MLServer {mlserver}",
        requirements=("mlserver==1.7.1", "uvloop==0.21.0"),  # its workers fail with a later uvloop
        command="{env}/bin/mlserver start {folder}",
        settings={"PYTHONPATH": str(PEERS)},
        files={
            "settings.json": '{{"host": "127.0.0.1", "http_port": {port}, "grpc_port": {port1}, '
            '"metrics_port": {port2}, "metrics_dir": "{folder}", '
            '"environments_dir": "{folder}/envs", "parallel_workers": 2, "debug": false}}',
            "model-settings.json": '{{"name": "serving", '
            '"implementation": "mlserver_app.Serving"}}',
        },
        path="/v2/models/serving/infer",
        content_type="application/json",
        body=inference_request,
        form="JSON, base64",
        probabilities=lambda answer: answer["outputs"][0]["data"],
    ),
    Contender(
        name="torchserve",
        title="TorchServe {torchserve}",
        requirements=(
            "torchserve==0.12.0",
            "torch-model-archiver==0.12.0",
            "setuptools==80.9.0",
        ),
        needs="java",
        files={"config.properties": TORCHSERVE_SETTINGS, "log4j2.xml": TORCHSERVE_LOGGING},
        prepare=(
            "{env}/bin/torch-model-archiver --model-name predict --version 1 --force "
            "--handler torchserve_app.py --extra-files network.py,{weights} "
            "--export-path {folder}",
        ),
        command="{env}/bin/torchserve --start --foreground --ncs --ts-config "
        "{folder}/config.properties --log-config {folder}/log4j2.xml",
        settings={"LOG_LOCATION": "{folder}/logs", "METRICS_LOCATION": "{folder}/logs"},
        path="/predictions/predict",
    ),
    Contender(
        name="ray",
        title="Ray Serve {ray}",
        requirements=("ray[serve]==2.60.0",),
        command="{env}/bin/python ray_app.py",
        settings={"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"},
    ),
    # Other ways to serve Stepbox's predictions. None of them is faster.
    Contender(
        name="flask",
        title="Stepbox's Flask app alone, gunicorn gthread ×2",
        command="gunicorn --bind 127.0.0.1:{port} --workers 2 --worker-class gthread --threads 32 "
        "service.app:create_app()",
        settings={**STEPBOX_SETTINGS, **ONE_THREAD},
        probabilities=_of_stepbox,
    ),
    Contender(
        name="wsgi",
        title="Stepbox's predictions as a WSGI callable, gunicorn gevent {gevent} ×2",
        requirements=("gevent==26.9.0",),
        command="{env}/bin/python -m gunicorn --bind 127.0.0.1:{port} --workers 2 "
        "--worker-class gevent wsgi_front:app",
        settings={**STEPBOX_SETTINGS, **ONE_THREAD, "PYTHONPATH": str(ROOT)},
        probabilities=_of_stepbox,
    ),
    Contender(
        name="asgi",
        title="Stepbox's predictions as an ASGI application, uvicorn ×2",
        command="uvicorn benchmarks.serving.peers.asgi_front:app --port {port} --workers 2 "
        "--loop uvloop --http httptools --lifespan off --no-access-log --log-level warning",
        settings={**STEPBOX_SETTINGS, **ONE_THREAD},
        probabilities=_of_stepbox,
    ),
)
