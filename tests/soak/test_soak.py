import pytest

from tests.soak.checker import KINDS
from tests.soak.soak import run_soak, storm

pytestmark = pytest.mark.server
SECONDS = 30  # with the start and the wait for the last jobs, it is a minute or more


def test_clients_of_three_hosts_see_nothing_wrong_in_a_short_storm(tmp_path):
    report = run_soak(tmp_path, storm(SECONDS, seed=7), seed=7)
    assert {kind: report[kind] for kind in KINDS} == {kind: [] for kind in KINDS}, report
    assert report["succeeded"] > 0, report
    assert report["faults"], report
