"""Servers of S3 for tests: one with files, one in memory."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import requests

from tests.processes import BIN, Process, free_port, wait_until

BUCKET = "stepbox"
ACCESS = {
    "AWS_ACCESS_KEY_ID": "tester",
    "AWS_SECRET_ACCESS_KEY": "secret-of-tester",
    "AWS_REGION": "us-east-1",
}


class BucketServer:
    """A server of S3, which has the bucket `BUCKET`.

    Parameters
    ----------
    kind
        ``rclone``: keeps objects as files and checks the access key. It overwrites an object even
        if it is asked to create it only if it is missing. ``moto``: keeps objects in memory.
    folder
        For the files and the log.

    Attributes
    ----------
    environment
        The variables with which a process reaches it.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        self._kind = kind
        self._folder = folder
        (folder / "objects" / BUCKET).mkdir(parents=True)
        self.port = free_port()
        self.environment = {**ACCESS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}"}
        self.process = self.start()
        if kind == "moto":
            self.client().create_bucket(Bucket=BUCKET)

    def start(self) -> Process:
        """Start the server, and wait until it answers."""
        keys = ",".join([ACCESS["AWS_ACCESS_KEY_ID"], ACCESS["AWS_SECRET_ACCESS_KEY"]])
        address, objects = f"127.0.0.1:{self.port}", str(self._folder / "objects")
        command = {
            "rclone": [
                *(str(BIN / "rclone"), "serve", "s3"),
                *("--addr", address, "--auth-key", keys, objects),
            ],
            "moto": [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
        }[self._kind]
        environment = {**os.environ, "RCLONE_CONFIG": os.devnull}
        self.process = Process(command, environment, self._folder / f"{self._kind}.log")
        wait_until(self._answers, what=f"{self._kind} to answer")
        return self.process

    def client(self):
        """Return a client that sees what is in the bucket."""
        return boto3.client(
            "s3",
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=ACCESS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=ACCESS["AWS_SECRET_ACCESS_KEY"],
            region_name=ACCESS["AWS_REGION"],
        )

    def keys(self, prefix: str) -> list[str]:
        """List the keys of the objects below a prefix, without it."""
        pages = (
            self.client()
            .get_paginator("list_objects_v2")
            .paginate(Bucket=BUCKET, Prefix=f"{prefix}/")
        )
        found = [item["Key"] for page in pages for item in page.get("Contents", [])]
        return sorted(key.removeprefix(f"{prefix}/") for key in found)

    def _answers(self) -> bool:
        try:
            requests.get(self.environment["AWS_ENDPOINT_URL"], timeout=1)
        except requests.RequestException:
            return False
        return True


@contextmanager
def bucket_server(kind: str, folder: Path) -> Iterator[BucketServer]:
    """Run a server of S3."""
    server = BucketServer(kind, folder)
    try:
        yield server
    finally:
        server.process.kill_group()
