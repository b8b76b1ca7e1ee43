"""Limit what it costs to parse JSON, before parsing it."""

from werkzeug.exceptions import RequestEntityTooLarge

# Parsed, a value takes up to 90 bytes. In lists and objects, each value follows a comma, a colon or
# an opening square bracket, so counting these bounds the number of values. An object takes more
# memory and more time than other values, so objects have a limit of their own.
MOST_VALUES = 200_000
MOST_OBJECTS = 1_000


def check_values(data: bytes, most: int = MOST_VALUES) -> None:
    """Raise RequestEntityTooLarge if a JSON text `has_too_many_values`."""
    if has_too_many_values(data, most):
        raise RequestEntityTooLarge(
            f"A JSON body may have at most {MOST_OBJECTS:,} objects here, and {most:,} commas, "
            "colons and opening brackets."
        )


def has_too_many_values(data: bytes, most: int = MOST_VALUES) -> bool:
    """Tell whether a JSON text may have too many values or objects, without parsing it."""
    if len(data) <= MOST_OBJECTS:
        return False
    return data.count(b"{") > MOST_OBJECTS or (
        len(data) > most and sum(map(data.count, (b",", b":", b"["))) > most
    )
