"""The running service against its own OpenAPI document."""

from tests.contract.fuzz import FEWEST, fuzz, prepare
from tests.processes import stack_in


def test_answers_are_as_documented(tmp_path):
    """No 5xx, and no status, content type or body that the document does not have."""
    with stack_in(tmp_path / "stack", STEPBOX_QUEUE_LIMIT="1000") as stack:
        prepare(stack)
        outcome = fuzz(stack, examples=2, seed=1)
    assert outcome.ok, outcome.output[-10_000:]
    assert outcome.cases >= FEWEST // 10
    assert outcome.report["operations"]["skipped"] == 0
    assert {phase["status"] for phase in outcome.report["phases"].values()} == {"success"}
