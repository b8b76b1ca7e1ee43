"""Run the containers of deploy/kubernetes with Docker, under the settings that the manifests name.

`python -m tests.deploy.run_containers` needs Docker, kubectl, and the images that
`docker compose build` makes. It renders the overlay `single-node`, whose containers those of the
other overlays only give a bucket or a GPU, and starts each with the user, the capabilities, the
system calls, the file systems, the memory, the environment and the volumes of its pod. Then:

- all probes succeed;
- no container can write outside its volumes, or has any capability;
- a worker that is asked to stop hands its job back, and another worker finishes it;
- the model predicts, and everything can be backed up;
- every container ends within its grace period.

What only a cluster can show remains untested: scheduling, services, NetworkPolicies and scaling.
"""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import requests

from tests.deploy.manifests import Object, container, environment, pod, probes, render, workloads
from tests.processes import ROOT, wait_until

OVERLAY = "single-node"
PREFIX = os.environ.get("COMPOSE_PROJECT_NAME", "stepbox")  # of the images' names
NAME = f"stepbox-kubernetes-{os.getpid()}"  # of the network, the volumes and the containers
TOKEN = "write-token-of-a-test"
NO_CAPABILITY = "0000000000000000"
KILLED = 137  # exit status after the grace period


def docker(*arguments: str, check: bool = True) -> str:
    """Run docker and return its output."""
    outcome = subprocess.run(["docker", *arguments], capture_output=True, text=True)
    if check and outcome.returncode:
        raise AssertionError(f"docker {' '.join(arguments)}:\n{outcome.stdout}{outcome.stderr}")
    return outcome.stdout.strip()


class Pod:
    """A container that runs as the manifests say, in a network in which it has its own name.

    Parameters
    ----------
    objects
        All objects of the overlay.
    name
        Name of the workload.
    secrets
        Folder of the secrets, by their names.
    """

    def __init__(self, objects: list[Object], name: str, secrets: Path) -> None:
        self.name = f"{NAME}-{name}"
        self.workload = workloads(objects)[name]
        self.image = container(self.workload)["image"].partition(":")[0].replace("stepbox", PREFIX)
        self._options = [
            *self._rights(),
            *self._volumes(secrets),
            *("--network", NAME, "--network-alias", name),
            *(f"--env={key}={value}" for key, value in environment(objects, self.workload).items()),
        ]

    def _rights(self) -> list[str]:
        spec, own = pod(self.workload), container(self.workload)
        context, rights = spec["securityContext"], own["securityContext"]
        assert context["seccompProfile"]["type"] == "RuntimeDefault"  # Docker's default, too
        assert rights["allowPrivilegeEscalation"] is False
        memory = own["resources"]["limits"]["memory"].removesuffix("i")
        return [
            f"--user={context['runAsUser']}:{context['runAsGroup']}",
            f"--group-add={context['fsGroup']}",
            *(f"--cap-drop={capability}" for capability in rights["capabilities"]["drop"]),
            *(["--read-only"] if rights["readOnlyRootFilesystem"] else []),
            "--security-opt=no-new-privileges",
            f"--memory={memory}",
            f"--memory-swap={memory}",
        ]

    def _volumes(self, secrets: Path) -> list[str]:
        claims = [
            {"name": claim["metadata"]["name"], "persistentVolumeClaim": {}}
            for claim in self.workload["spec"].get("volumeClaimTemplates", [])
        ]
        volumes = {one["name"]: one for one in [*pod(self.workload)["volumes"], *claims]}
        options = []
        for mount in container(self.workload)["volumeMounts"]:
            volume, path = volumes[mount["name"]], mount["mountPath"]
            if "emptyDir" in volume:
                options.append(f"--mount=type=tmpfs,destination={path},tmpfs-mode=0777")
            elif "secret" in volume:
                folder = secrets / volume["secret"]["secretName"]
                options.append(f"--volume={folder}:{path}:ro")
            else:
                options.append(f"--volume={self._claim(mount['name'])}:{path}")
        return options

    def _claim(self, name: str) -> str:
        """Create a volume that belongs to root and the group `fsGroup`, as a cluster does."""
        group = pod(self.workload)["securityContext"]["fsGroup"]
        change = f"chown 0:{group} /volume && chmod 2775 /volume"
        mounted = f"--volume={NAME}-{name}:/volume"
        docker("run", "--rm", "--user=0", "--entrypoint=sh", mounted, self.image, "-c", change)
        return f"{NAME}-{name}"

    def start(self) -> None:
        """Start a new container."""
        arguments = container(self.workload).get("args", [])
        docker("run", "--detach", f"--name={self.name}", *self._options, self.image, *arguments)

    def address(self) -> str:
        """Return the address of the container."""
        template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return docker("inspect", f"--format={template}", self.name)

    def passes(self, probe: Object) -> bool:
        """Run a probe as a cluster does: from outside, or in the container."""
        seconds = probe["timeoutSeconds"]
        if "exec" in probe:
            command = ["docker", "exec", self.name, *probe["exec"]["command"]]
            with suppress(subprocess.TimeoutExpired):
                return not subprocess.run(command, capture_output=True, timeout=seconds).returncode
            return False
        ports = {port["name"]: port["containerPort"] for port in container(self.workload)["ports"]}
        get = probe["httpGet"]
        url = f"http://{self.address()}:{ports[get['port']]}{get['path']}"
        try:
            return requests.get(url, timeout=seconds).ok
        except requests.RequestException:
            return False

    def wait_until_ready(self) -> None:
        """Wait until the startup probe succeeds; then the others must succeed, too."""
        first, *others = probes(self.workload)
        seconds = first["periodSeconds"] * first["failureThreshold"]
        wait_until(lambda: self.passes(first), seconds=seconds, every=0.5, what=f"{self.name}: up")
        for probe in others:
            what = f"{self.name}: {probe}"
            wait_until(lambda probe=probe: self.passes(probe), seconds=60, every=0.5, what=what)

    def check_rights(self) -> None:
        """Check what the kernel says about the first process, and that `/` cannot be written."""
        text = docker("exec", self.name, "cat", "/proc/1/status")
        status = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        user = str(pod(self.workload)["securityContext"]["runAsUser"])
        assert status["Uid"].split() == [user] * 4, status
        rights = [status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")]
        assert rights == [NO_CAPABILITY] * 5, status
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), status
        for folder in ("/", "/stepbox", "/etc", "/var/tmp"):
            command = f"[ ! -d {folder} ] || ! touch {folder}/made 2>/dev/null"
            docker("exec", self.name, "sh", "-c", command)

    def stop(self) -> None:
        """Send SIGTERM; the container must end by itself within its grace period."""
        seconds = pod(self.workload)["terminationGracePeriodSeconds"]
        docker("stop", f"--time={seconds}", self.name)
        status = docker("inspect", "--format={{.State.ExitCode}} {{.State.OOMKilled}}", self.name)
        code, killed = status.split()
        assert (int(code) != KILLED, killed) == (True, "false"), self.log()
        print(f"{self.name} has ended with status {code}", flush=True)

    def restart(self) -> None:
        """Replace the container by a new one, as a cluster does after a pod has ended."""
        docker("rm", self.name)
        self.start()

    def log(self) -> str:
        """Return the end of the log."""
        return docker("logs", "--tail=40", self.name, check=False)

    def remove(self) -> None:
        """Remove the container; show the end of its log if an error is being handled."""
        if sys.exc_info()[0] is not None:
            print(f"---- {self.name} ----\n{self.log()}", flush=True)
        docker("rm", "--force", self.name, check=False)


def make_secrets(folder: Path) -> None:
    """Create the secrets as docs/how-to/run-on-kubernetes.md says."""
    subprocess.run([ROOT / "bin" / "redis-credentials", folder / "stepbox-redis"], check=True)
    (folder / "stepbox-tokens").mkdir()
    (folder / "stepbox-tokens" / "tokens").write_text(f"write:{TOKEN}\n")
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)  # the users of the containers read them


def ask(api: Pod, method: str, path: str, **options: Any) -> Any:
    """Send a request with a token, and return the JSON of the response."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"http://{api.address()}:8000{path}"
    answer = requests.request(method, url, headers=headers, timeout=30, **options)
    assert answer.ok, answer.text
    return answer.json()


def hand_over_a_job(api: Pod, worker: Pod) -> str:
    """Stop the worker within a training, start a new one, and return the trained model."""
    # Many epochs, because Docker may need some seconds to stop the worker.
    fields = {"recipe": "mnist-numpy", "hidden_sizes": [100, 100], "epochs": 10}
    id = ask(api, "post", "/train", json=fields)["id"]

    def job() -> Any:
        return ask(api, "get", f"/jobs/{id}")

    wait_until(lambda: len(job()["history"]) > 1, seconds=300, what="the end of an epoch")
    worker.stop()
    left = job()
    assert (left["status"], left["attempts"]) == ("queued", 1), left
    worker.restart()
    wait_until(lambda: job()["status"] == "succeeded", seconds=300, every=0.5, what="the model")
    finished = job()
    assert finished["attempts"] == 2, finished
    return str(finished["model"])


def main() -> int:
    """Run the containers, and print what was checked."""
    objects = render(OVERLAY)
    started = time.monotonic()
    with ExitStack() as stack:
        secrets = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        make_secrets(secrets)
        for claim in ("models", "data"):
            stack.callback(docker, "volume", "rm", "--force", f"{NAME}-{claim}")
        docker("network", "create", NAME)
        stack.callback(docker, "network", "rm", NAME)
        pods = []
        for name in ("redis", "api", "worker"):
            pods.append(Pod(objects, name, secrets))
            stack.callback(pods[-1].remove)
            pods[-1].start()
            pods[-1].wait_until_ready()
            pods[-1].check_rights()
            print(f"{pods[-1].name} is ready", flush=True)
        redis, api, worker = pods
        model = hand_over_a_job(api, worker)
        image = {"instances": [[[0] * 28] * 28]}
        answer = ask(api, "post", f"/v1/models/{model}:predict", json=image)
        assert len(answer["predictions"]) == 1
        docker("exec", api.name, "bin/stepbox-admin", "backup", "/tmp/backup")
        for one in (worker, api, redis):
            one.stop()
    print(
        f"The containers of {OVERLAY} run as the manifests say ({time.monotonic() - started:.0f} s)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
