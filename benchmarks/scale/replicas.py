"""Measure predictions per second with several replicas of the API behind nginx.

    python -m benchmarks.scale.replicas [--replicas 1,2,4] [--seconds 5]

Each replica is one process of the API, on the model of `benchmarks.serving`. nginx, with one
process, passes the requests on in turns, over connections that stay open. wrk, nginx and all
replicas share two cores, so more replicas than cores cannot be faster. So it also prints the CPU
time of the API and of nginx for each answer, which more cores do not change.

The baseline is one replica without nginx, in the same run.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.jobs import run_redis
from benchmarks.scale.installation import run_service, settings_of
from benchmarks.scale.usage import family
from benchmarks.serving.contenders import STEPBOX
from benchmarks.serving.deployment import CACHE, Deployment, prepare_bench
from benchmarks.serving.load import Load, run_wrk, wrk_command
from benchmarks.serving.model import NETWORKS, serve_model
from benchmarks.serving.processes import Server, free_port, processor_seconds

CONNECTIONS = 16

NGINX = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  upstream api {{ {servers} keepalive 64; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://api;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
    }}
  }}
}}
"""


@contextmanager
def run_nginx(urls: Sequence[str], folder: Path) -> Iterator[tuple[Server, str]]:
    """Run nginx in front of these servers; yield it and its address."""
    port = free_port()
    servers = " ".join(f"server {url.removeprefix('http://')};" for url in urls)
    configuration = folder / "nginx.conf"
    configuration.write_text(NGINX.format(folder=folder, port=port, servers=servers))
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        sys.exit("This benchmark needs nginx. Run as root: apt-get install nginx-light")
    server = Server(f"{program} -c {configuration}", {}, folder / "nginx.out")
    try:
        while not (folder / "nginx.pid").exists():  # nginx writes it once it listens
            server.check()
            time.sleep(0.01)
        yield server, f"http://127.0.0.1:{port}"
    finally:
        server.stop()


def measure(
    front: str, services: list[Server], nginx: list[Server], command: Callable[[str], list[str]]
) -> tuple[Load, float, float]:
    """Return the load, and the CPU time of the API and of nginx per answer in µs."""
    run_wrk(command(front))  # warm up
    groups = [
        [pid for one in some for pid in family(one.process.pid)] for some in (services, nginx)
    ]
    before = [processor_seconds(pids) for pids in groups]
    load = run_wrk(command(front))
    api, proxy = (
        1e6 * (processor_seconds(pids) - spent) / load.answers
        for pids, spent in zip(groups, before, strict=True)
    )
    return load, api, proxy


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--replicas", default="1,2,4", help="numbers of replicas")
    parser.add_argument("--seconds", type=float, default=5)
    chosen = parser.parse_args()
    prepare_bench()
    served = serve_model(CACHE / "models" / "dense", NETWORKS["dense"])
    deployment = Deployment(STEPBOX, CACHE, served)
    deployment.prepare()

    def command(front: str) -> list[str]:
        seconds, bodies = chosen.seconds, deployment.bodies
        return wrk_command(f"{front}/predict", CONNECTIONS, seconds, "image/png", bodies)

    print(f"{'':18}{'req/s':>10}{'ratio':>8}{'API, µs':>10}{'nginx, µs':>12}{'errors':>8}")
    first = 0.0
    with run_redis() as jobs, tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        settings = settings_of(jobs, folder).model_copy(update={"models_dir": served.models_dir})
        services: list[tuple[Server, str]] = []
        for replicas in [0, *map(int, chosen.replicas.split(","))]:
            while len(services) < max(1, replicas):
                one = run_service(settings, folder, STEPBOX_PROCESSES="1")
                services.append(stack.enter_context(one))
            servers, urls = zip(*services, strict=True)
            with ExitStack() as context:
                nginx = [context.enter_context(run_nginx(urls, folder))] if replicas else []
                front = nginx[0][1] if nginx else urls[0]
                proxies = [server for server, _ in nginx]
                load, api, proxy = measure(front, [*servers], proxies, command)
            first = first or load.rate
            name = f"{replicas} behind nginx" if replicas else "1 without nginx"
            print(
                f"{name:18}{load.rate:10,.0f}{load.rate / first:8.2f}{api:10,.0f}{proxy:12,.0f}"
                f"{load.errors:8}"
            )


if __name__ == "__main__":
    main()
