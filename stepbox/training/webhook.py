"""The URL that is told when a job has ended."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema

from stepbox.errors import invalid_field

MOST_CHARACTERS = 2000
# The host is a name or an address, without a user. Programs disagree about what a backslash means.
PATTERN = r"^https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:[/?#][!-\[\]-~]*)?$"


def _is_url(value: str) -> str:
    try:
        allowed = re.fullmatch(PATTERN[1:-1], value) and urlsplit(value).port != 0
    except ValueError:  # the port or the address of IPv6
        allowed = False
    if not allowed or len(value) > MOST_CHARACTERS:
        raise invalid_field(
            f"must be an http or https URL of up to {MOST_CHARACTERS:,} visible ASCII characters, "
            "with a host, and without a user name, a password or a backslash"
        )
    return value


_Url = Annotated[
    str,
    AfterValidator(_is_url),
    WithJsonSchema({"type": "string", "maxLength": MOST_CHARACTERS, "pattern": PATTERN}),
]
Webhook = Annotated[
    _Url | None,
    Field(
        description="An http or https URL that is told when the job has ended: it receives the job "
        "in a signed POST request. Its host must be public, unless the operator allows it."
    ),
]
