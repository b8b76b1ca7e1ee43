"""The test of a lost host needs ``ip`` and the right to make network namespaces."""

import os


def pytest_ignore_collect(collection_path):
    return True if _why() and collection_path.name == "test_lost_host.py" else None


def pytest_report_header():
    return [f"tests/faults/test_lost_host.py is left out: {_why()}"] if _why() else []


def _why():
    return os.environ["WHY_NO_HOST"]  # see tests/conftest.py
