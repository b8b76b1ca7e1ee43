"""What schemathesis calls.

Requests that it makes up must not let the API contact real hosts, nor have a target that is longer
than the server takes: no operation describes the 414.
"""

import schemathesis

from stepbox.training.webhook import MOST_CHARACTERS
from tests.contract.fuzz import NOWHERE


@schemathesis.hook
def before_call(context, case, kwargs):
    """Let no webhook name a host that may exist, and shorten those that are too long."""
    for fields in (case.query, case.body):
        if isinstance(fields, dict) and "http" in str(fields.get("webhook", "")):
            fields["webhook"] = NOWHERE
        if (
            isinstance(fields, dict)
            and len(str(fields.get("webhook", "")).encode()) > MOST_CHARACTERS
        ):
            fields["webhook"] = "x" * (MOST_CHARACTERS + 1)  # still invalid
