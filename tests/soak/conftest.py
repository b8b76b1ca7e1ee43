"""Some tests of the soak need the right to make machines."""

import os

NEED_MACHINES = ("test_machines.py", "test_soak.py")


def pytest_ignore_collect(collection_path):
    return True if _why() and collection_path.name in NEED_MACHINES else None


def pytest_report_header():
    names = " and ".join(NEED_MACHINES)
    return [f"{names} in tests/soak are left out: {_why()}"] if _why() else []


def _why():
    return os.environ["WHY_NO_MACHINE"]  # see tests/conftest.py
