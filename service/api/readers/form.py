"""Read the image files of multipart form data."""

from collections.abc import Iterator

from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from service.api.readers.images import MOST_IMAGES, Images, Sent, check_takes_files, decode_files
from service.errors import pointer_to
from stepbox.errors import Fault, InvalidInputError


class _Part:
    """A part of a form: what it contains, and whether it is a file."""

    def __init__(self, is_file: bool) -> None:
        self.is_file = is_file
        self.data = b""


def read_form(sent: Sent) -> Images:
    """Decode the files of a form, all of which must be named `image`, one by one."""
    check_takes_files(sent.spec, "/image")
    return decode_files(_files(_read_parts(sent.data, sent.boundary)), sent.spec)


def _files(parts: list[_Part]) -> Iterator[tuple[str, bytes]]:
    for i, part in enumerate(parts):
        if not part.is_file and part.data.isascii():
            raise InvalidInputError.at(
                f"/image/{i}", "is a text and not a file: with curl, write -F image=@FILE with an @"
            )
        yield f"/image/{i}", part.data


def _read_parts(body: bytes, boundary: str) -> list[_Part]:
    parts: list[_Part] = []
    unknown: set[str] = set()
    try:
        with PushMultipartParser(
            boundary, len(body), max_segment_count=MOST_IMAGES, strict=True
        ) as parser:
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    parts.append(_Part(event.filename is not None))
                    if event.name != "image":
                        unknown.add(event.name)
                elif event:  # at most one per part, because the body is complete
                    parts[-1].data += event
    except ParserLimitReached as error:
        raise RequestEntityTooLarge(
            f"At most {MOST_IMAGES:,} parts are allowed: {error}."
        ) from None
    except MultipartError as error:
        raise BadRequest(f"The body is not multipart/form-data: {error}") from None
    if unknown:
        raise InvalidInputError(
            [Fault(pointer_to(name), "must be a file named 'image'") for name in sorted(unknown)]
        )
    if not parts:
        raise InvalidInputError.at("/image", f"send 1 to {MOST_IMAGES:,} files named 'image'")
    return parts
