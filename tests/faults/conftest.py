"""The test of a lost host needs ``ip`` and the right to make network namespaces."""

from tests.faults.hosts import why_impossible

_why = why_impossible()
collect_ignore = ["test_lost_host.py"] if _why else []


def pytest_report_header():
    return [f"tests/faults/test_lost_host.py is left out: {_why}"] if _why else []
