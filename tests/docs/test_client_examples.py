"""The Python examples of the client run against a server, and print what the page says."""

import os
import re
import subprocess
import sys

import pytest

from stepbox.data.builtin import load_dataset
from stepbox.images.decode import encode_png
from tests.docs.tables import DOCS
from tests.processes import PATIENCE_S, ROOT, stack_in

pytestmark = pytest.mark.server


@pytest.mark.container
def test_the_examples_of_the_client(tmp_path):
    text = (DOCS / "how-to" / "use-the-client.md").read_text()
    code, said = (
        "".join(re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
        for kind in ("python", "text")
    )
    with stack_in(tmp_path / "stack") as stack:
        stack.start_redis()
        stack.start_worker()
        stack.start_service()
        stack.wait_for_worker()
        seven = load_dataset("mnist", "test", stack.environment["STEPBOX_DATA_DIR"]).samples[0]
        (tmp_path / "seven.png").write_bytes(encode_png(seven))
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=os.environ | {"STEPBOX_URL": stack.url, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=code.count("wait(") * PATIENCE_S,  # each of them waits for a job
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == said.splitlines()
