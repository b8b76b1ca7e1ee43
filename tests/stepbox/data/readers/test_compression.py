"""Gzip files are decompressed up to a limit."""

import gzip

import pytest

from stepbox.data.readers.compression import gunzip
from stepbox.data.readers.part import Limits
from stepbox.errors import InvalidInputError


def test_gunzip(tmp_path):
    content = b"label,a\n" * 1_000_000
    (tmp_path / "upload").write_bytes(gzip.compress(content[:100]) + gzip.compress(content[100:]))

    assert gunzip(tmp_path / "upload", tmp_path, Limits(bytes=len(content))).read_bytes() == content


def test_a_bomb_stops_at_the_limit(tmp_path):
    (tmp_path / "upload").write_bytes(gzip.compress(bytes(10_000_000)))

    with pytest.raises(InvalidInputError, match="larger than 9,999,999 bytes when decompressed"):
        gunzip(tmp_path / "upload", tmp_path, Limits(bytes=9_999_999))

    assert [file.name for file in tmp_path.iterdir()] == ["upload"]


@pytest.mark.parametrize("damage", ["cut", "flip", "trailing"])
def test_a_damaged_file_is_rejected(tmp_path, damage):
    content = bytearray(gzip.compress(bytes(range(256)) * 100))
    if damage == "cut":
        del content[-20:]
    elif damage == "flip":
        content[len(content) // 2] ^= 255
    else:
        content += b"more"
    (tmp_path / "upload").write_bytes(content)

    with pytest.raises(InvalidInputError, match="damaged or cut off"):
        gunzip(tmp_path / "upload", tmp_path, Limits(bytes=1_000_000))
    assert [file.name for file in tmp_path.iterdir()] == ["upload"]
