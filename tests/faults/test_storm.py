import pytest

from tests.faults.storm import MUST_BE_0, run_storm

pytestmark = pytest.mark.server


def test_no_job_is_lost_in_a_short_storm(tmp_path):
    report = run_storm(tmp_path / "storm", seconds=6, seed=7)
    assert report["accepted"] == report["completed"] > 0, report
    assert {name: report[name] for name in MUST_BE_0} == dict.fromkeys(MUST_BE_0, 0), report
