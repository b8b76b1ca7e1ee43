"""Create a virtual environment for each peer, once.

It contains the packages of the peer, in fixed versions. A .pth file adds Stepbox's environment to
the end of the import path. All peers therefore share one installation of torch, NumPy, Pillow and
safetensors, and decode images and run the network with the same code.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from benchmarks.serving.processes import NotStartedError


def make_environment(folder: Path, requirements: tuple[str, ...]) -> None:
    """Create a virtual environment with these requirements, unless it exists.

    Raises
    ------
    NotStartedError
        pip could not install the requirements.
    """
    stamp = folder / "installed"
    state = hashlib.sha256(repr((sys.version, requirements)).encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == state:
        return
    print(f"installing {', '.join(requirements)}", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    command = [folder / "bin" / "pip", "install", "--quiet", *requirements]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        words = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise NotStartedError(f"pip cannot install it: {(words or ['no reason given'])[-1][:200]}")
    ours = sysconfig.get_path("purelib")
    theirs = sysconfig.get_path("purelib", "venv", {"base": folder, "platbase": folder})
    Path(theirs, "stepbox-environment.pth").write_text(f"{ours}\n")
    stamp.write_text(state)


def versions(folder: Path) -> dict[str, str]:
    """Return the versions of all packages that an environment can import."""
    code = (
        "import json, importlib.metadata as m, platform\n"
        "found = {}\n"
        "for d in m.distributions(): found.setdefault(d.name.lower(), d.version)\n"
        "print(json.dumps({**found, 'python': platform.python_version()}))"
    )
    output = subprocess.run(
        [folder / "bin" / "python", "-c", code], check=True, capture_output=True, text=True
    ).stdout
    return json.loads(output)
