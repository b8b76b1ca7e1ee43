"""The short soak needs the right to make hosts."""

from tests.soak.machines import why_impossible

_why = why_impossible()
collect_ignore = ["test_soak.py"] if _why else []


def pytest_report_header():
    return [f"tests/soak/test_soak.py is left out: {_why}"] if _why else []
