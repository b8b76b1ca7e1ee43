"""The running service follows its own OpenAPI document."""

from tests.contract.fuzz import fuzz, prepare


def test_responses_are_as_documented(own_stack):
    """No response is a 5xx, and the document has every status, content type and body.

    Testing the limits of each schema takes longest, so only `make fuzz` does it.
    """
    own_stack.environment["STEPBOX_QUEUE_LIMIT"] = "1000"
    prepare(own_stack)
    outcome = fuzz(own_stack, examples=4, seed=1, phases="examples,fuzzing,stateful")
    assert outcome.ok, outcome.output[-10_000:]
    assert outcome.cases >= 100
    assert outcome.report["operations"]["skipped"] == 0
    ran = [phase["status"] for phase in outcome.report["phases"].values()]
    assert ran.count("success") == 3, ran
