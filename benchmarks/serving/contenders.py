"""Who is compared: how each is installed, started, asked and read."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.serving.processes import ROOT

PEERS = ROOT / "benchmarks" / "serving" / "peers"


def raw(picture: bytes) -> bytes:
    """Send a picture as it is."""
    return picture


def inference_request(picture: bytes) -> bytes:
    """Wrap a picture in a request of the Open Inference Protocol v2."""
    data = [base64.b64encode(picture).decode()]
    tensor = {"name": "picture", "shape": [1, 1], "datatype": "BYTES", "data": data}
    return json.dumps({"inputs": [tensor]}).encode()


@dataclass(frozen=True)
class Contender:
    """A model server with our network.

    `{port}`, `{folder}`, `{env}` and `{root}` in commands and files stand for the port to listen
    at, a folder for its files, the folder of its virtual environment and this repository's.

    Attributes
    ----------
    name
        What `--peers` calls it.
    title
        What the table calls it; `{package}` stands for the version of that package.
    command
        What starts it, in `peers/`, or in the repository where `environment` is empty.
    requirements
        What its virtual environment gets from PyPI; without any it runs in Stepbox's own.
    settings
        Environment variables.
    needs
        A program that must be in PATH.
    files
        Files to write into its folder before it starts: name → text.
    prepare
        Commands to run there before it starts, once.
    path
        Where it is asked.
    content_type, body
        What the request is.
    form
        What the table says of the request.
    probabilities
        Picks the ten probabilities out of the answer.
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
    """Read from Procfile how Stepbox's processes are started: name → command."""
    lines = (line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    return {name: command.replace("exec ", "") for name, command in lines}


ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}  # a process, as `service/server/gunicorn_conf.py` has it
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

# Warnings alone: as it comes, TorchServe writes fifteen lines a request.
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
        requirements=("mlserver==1.7.1", "uvloop==0.21.0"),  # its workers fail on a later uvloop
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
    # Other ways to serve Stepbox, which it does without for the figures that these give.
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
        title="Stepbox's way before Flask by WSGI, gunicorn gevent {gevent} ×2",
        requirements=("gevent==26.9.0",),
        command="{env}/bin/python -m gunicorn --bind 127.0.0.1:{port} --workers 2 "
        "--worker-class gevent wsgi_front:app",
        settings={**STEPBOX_SETTINGS, **ONE_THREAD, "PYTHONPATH": str(ROOT)},
        probabilities=_of_stepbox,
    ),
    Contender(
        name="asgi",
        title="Stepbox's way as an ASGI application, uvicorn ×2",
        command="uvicorn benchmarks.serving.peers.asgi_front:app --port {port} --workers 2 "
        "--loop uvloop --http httptools --lifespan off --no-access-log --log-level warning",
        settings={**STEPBOX_SETTINGS, **ONE_THREAD},
        probabilities=_of_stepbox,
    ),
)
