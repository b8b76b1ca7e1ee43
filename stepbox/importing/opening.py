"""Open an upload: whatever its format, it becomes a list of `Part`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from stepbox.data.readers.archive import extract, list_data_files, read_archive
from stepbox.data.readers.compression import gunzip
from stepbox.data.readers.csv import read_csv
from stepbox.data.readers.detect import kind_of
from stepbox.data.readers.idx import read_idx
from stepbox.data.readers.npz import read_npz
from stepbox.data.readers.parquet import read_parquet
from stepbox.data.readers.part import Limits, Part
from stepbox.data.readers.splits import by_split
from stepbox.errors import InvalidInputError

MOST_FILES = 64  # in one body; Hugging Face's data sets have up to a few dozen files

PIECE = 2**20  # bytes of a multipart body that are read at a time

Files = list[tuple[str, Path]]


def open_upload(
    upload: Path, content_type: str, scratch: Path, limits: Limits, label: str
) -> list[Part]:
    """Read an upload.

    Parameters
    ----------
    upload
        The body of the request.
    content_type
        Its content type, which matters only if it is multipart.
    scratch
        An empty folder for decoded arrays.
    limits
        What the upload may contain.
    label
        Name of the column of a table that has the classes.

    Raises
    ------
    InvalidInputError
        The upload is malformed, over a limit, or in a format that is not accepted.
    """
    kind, options = parse_options_header(content_type)
    if kind == "multipart/form-data":
        files = _split_multipart(upload, options.get("boundary", ""), scratch, limits)
    else:
        files = [("", upload)]
    files = _decompressed(files, scratch, limits)
    kinds = {kind_of(path) for _, path in files}
    if kinds & {"zip", "tar"}:
        if len(files) > 1:
            raise InvalidInputError.at(
                "", "the upload has an archive besides other files: send it alone"
            )
        ((_, archive),) = files
        names = list_data_files(archive, limits)
        if not names:
            return read_archive(archive, scratch, limits)
        if len(names) > MOST_FILES:
            raise InvalidInputError.at("", f"the upload has more than {MOST_FILES} files of data")
        files = _decompressed(extract(archive, names, scratch, limits), scratch, limits)
        kinds = {kind_of(path) for _, path in files}
    if len(kinds) > 1:
        raise InvalidInputError.at(
            "",
            f"the upload has files of several formats: {', '.join(sorted(kinds))}. Send one format",
        )
    match kinds.pop():
        case "idx":
            return read_idx(files, limits)
        case "parquet":
            return read_parquet(files, scratch, limits, label)
        case "npz":
            return _each(files, lambda path: read_npz(path, _folder_for(path, scratch), limits))
        case "csv":
            return _each(
                files, lambda path: read_csv(path, _folder_for(path, scratch), limits, label)
            )
        case other:
            raise InvalidInputError.at(
                "", f"the upload has a {other} file in an archive. Unpack it first"
            )


def _folder_for(path: Path, scratch: Path) -> Path:
    """Make a folder for the arrays of one file."""
    folder = scratch / f"{path.name}.arrays"
    folder.mkdir()
    return folder


def _each(files: Files, read: Callable[[Path], list[Part]]) -> list[Part]:
    """Read each file. If there are several, their names tell the split of their parts."""
    if len(files) == 1:
        return read(files[0][1])
    groups, warnings = by_split(files)
    if None in groups:
        raise InvalidInputError.at(
            "", "the upload has several files whose names do not say train or test"
        )
    parts: list[Part] = []
    for split, group in groups.items():
        for name, path in group:
            own = read(path)
            if any(part.split is not None for part in own):
                raise InvalidInputError.at("", f"{name!r} has a split of its own: send it alone")
            parts += [replace(part, split=split) for part in own]
    parts[0].warnings.extend(warnings)
    return parts


def _decompressed(files: Files, scratch: Path, limits: Limits) -> Files:
    return [
        (name.removesuffix(".gz"), gunzip(path, scratch, limits))
        if kind_of(path) == "gzip"
        else (name, path)
        for name, path in files
    ]


def _split_multipart(upload: Path, boundary: str, scratch: Path, limits: Limits) -> Files:
    """Write each file of a multipart body to a scratch file."""
    files: Files = []
    sink: BinaryIO | None = None
    size = upload.stat().st_size
    try:
        with (
            upload.open("rb") as body,
            PushMultipartParser(
                boundary, size, max_segment_count=MOST_FILES, strict=True
            ) as parser,
        ):
            while not parser.closed:
                for event in parser.parse(body.read(PIECE)):
                    if isinstance(event, MultipartSegment):
                        if event.filename is None:
                            raise InvalidInputError.at(
                                f"/{event.name}",
                                "is a text and not a file; the options belong into the address",
                            )
                        path = scratch / f"part-{len(files)}"
                        files.append((event.filename, path))
                        sink = path.open("xb")
                    elif event and sink:
                        sink.write(event)
                    elif sink:
                        sink.close()
                limits.proceed()
    except ParserLimitReached:
        raise InvalidInputError.at("", f"the upload may have at most {MOST_FILES} files") from None
    except MultipartError as error:
        raise InvalidInputError.at("", f"the upload is not multipart/form-data: {error}") from None
    if not files:
        raise InvalidInputError.at("", "the upload has no file")
    return files
