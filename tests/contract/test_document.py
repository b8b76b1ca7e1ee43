"""The running service against its own OpenAPI document."""

from tests.contract.fuzz import fuzz, prepare


def test_answers_are_as_documented(own_stack):
    """No 5xx, and no status, content type or body that the document does not have.

    All but the edges of every schema, which take longest: `make fuzz` has them.
    """
    own_stack.environment["STEPBOX_QUEUE_LIMIT"] = "1000"
    prepare(own_stack)
    outcome = fuzz(own_stack, examples=4, seed=1, phases="examples,fuzzing,stateful")
    assert outcome.ok, outcome.output[-10_000:]
    assert outcome.cases >= 100
    assert outcome.report["operations"]["skipped"] == 0
    ran = [phase["status"] for phase in outcome.report["phases"].values()]
    assert ran.count("success") == 3, ran
