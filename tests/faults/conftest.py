"""The test of a lost host needs ``ip`` and the right to make network namespaces."""

import os

from tests.faults.hosts import why_impossible

# The processes of pytest-xdist inherit the answer: all of them must collect the same tests.
_why = os.environ.setdefault("WHY_NO_HOSTS", why_impossible() or "")
collect_ignore = ["test_lost_host.py"] if _why else []


def pytest_report_header():
    return [f"tests/faults/test_lost_host.py is left out: {_why}"] if _why else []
