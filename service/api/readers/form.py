"""Read the image files of multipart form data."""

from collections.abc import Iterator

from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from service.api.readers.images import MOST_IMAGES, MOST_PIXELS
from service.server.client_disconnected import raise_if_disconnected
from stepbox.errors import Fault, InvalidInputError
from stepbox.images.decode import Grey, decode_image


def read_form(body: bytes, boundary: str) -> Iterator[Grey]:
    """Decode the files of a form, one by one while they are iterated."""
    return _decode(_read_files(body, boundary))


def _decode(files: list[bytes]) -> Iterator[Grey]:
    """Decode files one by one, up to `MOST_PIXELS` in total."""
    left = MOST_PIXELS
    for i, file in enumerate(files):
        raise_if_disconnected()
        image = decode_image(file, pointer=f"/image/{i}", max_pixels=left)
        left -= image.size
        yield image


def _read_files(body: bytes, boundary: str) -> list[bytes]:
    """Read the files of multipart form data, all of which must be named `image`."""
    files: list[bytes] = []
    unknown: set[str] = set()
    try:
        with PushMultipartParser(
            boundary, len(body), max_segment_count=MOST_IMAGES, strict=True
        ) as parser:
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    files.append(b"")
                    if event.name != "image":
                        unknown.add(event.name)
                elif event:  # at most one per file, because the body is complete
                    files[-1] += event
    except ParserLimitReached as error:
        raise RequestEntityTooLarge(
            f"At most {MOST_IMAGES:,} parts are allowed: {error}."
        ) from None
    except MultipartError as error:
        raise BadRequest(f"The body is not multipart/form-data: {error}") from None
    if unknown:
        raise InvalidInputError(
            [Fault(f"/{name}", "parts must be files named 'image'") for name in sorted(unknown)]
        )
    if not files:
        raise InvalidInputError.at("/image", f"send 1 to {MOST_IMAGES:,} files named 'image'")
    return files
