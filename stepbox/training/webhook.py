"""The URL that is told when a job has ended."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema

from stepbox.errors import invalid_field

MOST_CHARACTERS = 2000

_HOST = r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]"  # a name, or an address
_REST = r"[/?#][!-\[\]-~]*"  # without a backslash, because programs disagree about what it means
_URL = re.compile(rf"https?://(?:{_HOST})(?::[0-9]{{1,5}})?(?:{_REST})?")


def _is_url(value: str) -> str:
    try:
        allowed = _URL.fullmatch(value) and urlsplit(value).port != 0
    except ValueError:  # the port is too large, or the address is none
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
    WithJsonSchema({"type": "string", "format": "uri", "maxLength": MOST_CHARACTERS}),
]
Webhook = Annotated[
    _Url | None,
    Field(
        description="An http or https URL that is told when the job has ended: it receives the job "
        "in a signed POST request. Its host must be public, unless the operator allows it."
    ),
]
