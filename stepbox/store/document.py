"""The versions of documents in a bucket: the objects that people can change.

A document, such as the card of a model, is kept as its versions, and the one with the highest
number counts:

    m-0123456789ab/card.json/000000000000    as it was published
    m-0123456789ab/card.json/000000000017    after a change

A number is taken in turns (see `stepbox.store.turns`) and never given twice. A process that was
paused in its turn, and goes on when its turn is over, writes a lower number than those that came
after it. So it changes nothing, and is told that it has to try again.
"""

import errno
import os
import re
from collections.abc import Iterable
from operator import itemgetter
from typing import TYPE_CHECKING

from stepbox.store.objects import is_document

if TYPE_CHECKING:
    from obstore import ObjectMeta

_NUMBER = re.compile(r"\d{12}")


def version_key(document: str, number: int) -> str:
    """Return the key of a version of a document."""
    return f"{document}/{number:012d}"


def first_key(key: str) -> str:
    """Return where a new object is stored: if it is a document, as its first version."""
    return version_key(key, 0) if is_document(key) else key


def key_of(place: str) -> str:
    """Return the key of the object at a place: if it is a version, that of its document."""
    document, _, number = place.rpartition("/")
    return document if is_document(document) and _NUMBER.fullmatch(number) else place


def number_of(place: str) -> int:
    """Return the number of a version."""
    return int(place.rpartition("/")[2])


def newest(document: str, versions: "Iterable[ObjectMeta]") -> "ObjectMeta":
    """Return the newest version of a document; raise FileNotFoundError if there is none."""
    found = max(versions, key=itemgetter("path"), default=None)
    if found is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), document)
    return found
