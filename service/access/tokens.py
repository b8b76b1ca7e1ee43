"""The bearer tokens of the settings."""

import hashlib
from typing import Literal, NamedTuple

Scope = Literal["read", "write"]


class Token(NamedTuple):
    """What a client may do, and the SHA-256 of what it shows for it."""

    scope: Scope
    digest: bytes


def parse_tokens(text: str) -> list[Token]:
    """Read tokens, ``read:SECRET`` or ``write:SECRET``, apart by commas, spaces or lines.

    Raises
    ------
    ValueError
        One has another form, or a secret of less than 16 characters.
    """
    tokens = []
    for entry in text.replace(",", " ").split():
        scope, _, secret = entry.partition(":")
        if scope not in ("read", "write") or len(secret) < 16:
            raise ValueError(
                "a token must be 'read:SECRET' or 'write:SECRET', with at least 16 characters"
            )
        tokens.append(Token(scope, hashlib.sha256(secret.encode()).digest()))  # type: ignore[arg-type]
    return tokens
