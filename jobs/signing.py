"""The signatures of webhooks, as https://www.standardwebhooks.com defines them."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from secrets import token_bytes
from time import time

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """Make a secret."""
    return f"{SECRET_PREFIX}{b64encode(token_bytes(SECRET_BYTES)).decode()}"


def parse_secrets(text: str) -> list[str]:
    """Split secrets that are separated by commas, and check each.

    Raises
    ------
    ValueError
        A secret has another form. The message does not contain it.
    """
    secrets = text.replace(",", " ").split()
    for secret in secrets:
        try:
            key = _key(secret)
        except ValueError:
            key = b""
        if not secret.startswith(SECRET_PREFIX) or not 24 <= len(key) <= 64:
            raise ValueError(
                f"a secret must be {SECRET_PREFIX!r} and the base64 form of 24 to 64 random bytes"
            )
    return secrets


def signed_headers(secrets: Sequence[str], id: str, body: bytes) -> dict[str, str]:
    """Return the headers that let a receiver check who sent a message, and when.

    Parameters
    ----------
    secrets
        One signature is made with each, so that receivers may change to another one at their time.
    id
        Of the message. Repetitions of a message have the same id.
    body
        Of the request.
    """
    timestamp = str(int(time()))
    signed = f"{id}.{timestamp}.".encode() + body
    signatures = [hmac.digest(_key(secret), signed, "sha256") for secret in secrets]
    return {
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{b64encode(one).decode()}" for one in signatures),
    }


def _key(secret: str) -> bytes:
    return b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
