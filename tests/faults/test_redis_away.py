import pytest

from tests.faults.redis_away import run

pytestmark = pytest.mark.server


@pytest.mark.parametrize(
    ("moment", "way"),
    [("claimed", "paused"), ("publishing", "killed"), ("cancelling", "paused")],
)
def test_redis_unavailable_at_a_critical_moment(tmp_path, moment, way):
    seen = run(tmp_path / "stack", moment, way, seconds=2)
    assert seen["predictions"] > 1, seen
