import io
import random
import stat
import struct
import tarfile
import tracemalloc
import zipfile

import numpy as np
import pytest

from stepbox.data.readers.archive import extract, list_data_files, read_archive
from stepbox.data.readers.names import natural_key
from stepbox.data.readers.part import Limits
from stepbox.errors import InvalidInputError

TWO_CLASSES = {"apple/1.png": b"a1", "apple/2.png": b"a2", "pear/1.png": b"p1"}


def write_zip(path, files, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_tar(path, files, form=tarfile.PAX_FORMAT):
    with tarfile.open(path, "w", format=form) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


WRITERS = {
    "zip": write_zip,
    "stored zip": lambda path, files: write_zip(path, files, zipfile.ZIP_STORED),
    "pax": write_tar,
    "gnu": lambda path, files: write_tar(path, files, tarfile.GNU_FORMAT),
}


@pytest.fixture(params=WRITERS)
def write(request, tmp_path):
    """Write an archive of each kind."""
    return lambda files: WRITERS[request.param](tmp_path / "upload", files)


def read(path, limits=None):
    return read_archive(path, path.parent, limits or Limits())


def fault_of(path, limits=None, action=read):
    with pytest.raises(InvalidInputError) as caught:
        action(path, limits or Limits())
    (fault,) = caught.value.faults
    return fault.detail


def contents(part):
    """Return the label, the name and the content of each sample."""
    return [
        (label, name, content)
        for label, (name, content) in zip(part.labels, part.samples, strict=True)
    ]


# What folders mean.


def test_folders_are_classes(write):
    (part,) = read(write(TWO_CLASSES))
    assert part.split is None
    assert part.warnings == []
    assert part.labels.dtype == object
    expected = [
        ("apple", "apple/1.png", b"a1"),
        ("pear", "pear/1.png", b"p1"),
        ("apple", "apple/2.png", b"a2"),
    ]
    assert contents(part) == expected
    assert contents(part) == expected  # a second time
    assert len(part.samples) == 3


def test_the_order_does_not_depend_on_how_the_archive_was_made(write):
    names = [f"{index % 3}/{index}.png" for index in range(120)]
    random.Random(0).shuffle(names)
    (part,) = read(write({name: name.encode() for name in names}))
    assert [name for name, _ in part.samples] == [f"{i % 3}/{i}.png" for i in range(120)]
    assert list(part.labels) == [str(index % 3) for index in range(120)]


@pytest.mark.parametrize("top", ["", "fruit/", "a/b/", "./", "test/", "train/x/"])
def test_folders_around_all_others_are_skipped(write, top):
    if top == "test/":  # then these are not the classes, but the split
        files = {f"test/train/{name}": content for name, content in TWO_CLASSES.items()}
        files |= {f"test/test/{name}": content for name, content in TWO_CLASSES.items()}
        assert [part.split for part in read(write(files))] == ["train", "test"]
        return
    (part,) = read(write({top + name: content for name, content in TWO_CLASSES.items()}))
    assert set(part.labels) == {"apple", "pear"}


@pytest.mark.parametrize(
    ("folders", "counts", "warns"),
    [
        (["train", "test"], [("train", 3), ("test", 3)], ""),
        (["Training", "TEST"], [("train", 3), ("test", 3)], ""),
        (["train", "val"], [("train", 3), ("test", 3)], "'val' are the test part"),
        (["train", "val", "test"], [("train", 6), ("test", 3)], "'val' belong to the training"),
        (["train"], [(None, 3)], ""),
    ],
)
def test_parts_above_the_classes(write, folders, counts, warns):
    files = {
        f"data/{folder}/{name}": content
        for folder in folders
        for name, content in TWO_CLASSES.items()
    }
    parts = read(write(files))
    assert [(part.split, len(part.samples)) for part in parts] == counts
    assert all(set(part.labels) == {"apple", "pear"} for part in parts)
    assert [warns in warning for warning in parts[0].warnings] == ([True] if warns else [])


def test_a_class_may_be_called_train(write):
    (part,) = read(write({"train/1.png": b"", "bus/1.png": b""}))
    assert list(part.labels) == ["bus", "train"]


def test_junk_is_ignored_and_documents_are_named(write):
    files = {
        "__MACOSX/apple/._1.png": b"x",
        ".DS_Store": b"x",
        "apple/.DS_Store": b"x",
        "apple/Thumbs.db": b"x",
        "README.txt": b"x",
        "labels.csv": b"x",
    }
    (part,) = read(write(files | TWO_CLASSES))
    assert len(part.samples) == 3
    assert part.warnings == ["Files that are not images are ignored: 'labels.csv', 'README.txt'."]


def test_names_in_any_alphabet(write):
    (part,) = read(write({"a\u0308pfel/1.png": b"1", "梨/1.png": b"2", "x" * 150 + "/1.png": b"3"}))
    assert list(part.labels) == ["x" * 150, "äpfel", "梨"]  # as one character


def test_natural_order():
    names = ["b", "10.png", "A", "2.png", "a10", "a9b", "file 007", "file 8"]
    assert sorted(names, key=natural_key) == [
        *("2.png", "10.png", "A", "a9b", "a10", "b", "file 007", "file 8"),
    ]


def test_a_tar_whose_first_name_begins_like_a_zip_file(tmp_path):
    (part,) = read(write_tar(tmp_path / "upload", {"PK/1.png": b"", "QK/1.png": b""}))
    assert list(part.labels) == ["PK", "QK"]


# What is rejected, whichever the kind of archive.


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a/../../b/1.png": b""}, "contains '..'"),
        ({"/etc/1.png": b""}, "absolute name"),
        ({"C:\\x\\1.png": b""}, "absolute name"),
        ({"a/1\n.png": b""}, "control characters"),
        ({"a/" + "x/" * 600: b""} | {"a/" + "x" * 1200: b""}, "over 1000 characters"),
        (TWO_CLASSES | {"1.png": b""}, "outside the class folders: '1.png'"),
        (TWO_CLASSES | {"apple/red/3.png": b""}, "folders in a class folder: 'apple/red'"),
        ({"train/1.png": b"", "test/1.png": b""}, "images directly in 'test'"),
        ({"train/a/1.png": b"", "test/1.png": b""}, "folders in a class folder: 'train/a'"),
        ({"test/a/1.png": b"", "test/b/1.png": b""}, "has 'test', but no folder 'train'"),
        ({"apple/1.png": b""}, "only one class, 'apple'"),
        ({"y" * 201 + "/1.png": b"", "b/1.png": b""}, "a class with over 200 characters"),
        (TWO_CLASSES | {"more/x.zip": b""}, "an archive in it: 'more/x.zip'"),
        (TWO_CLASSES | {"x.tar.gz": b""}, "an archive in it: 'x.tar.gz'"),
        ({"README.md": b""}, "has no images. Put the images of each class into a folder"),
        ({"e\u0301/1.png": b"", "é/1.png": b"", "b/1.png": b""}, "two files with the same name"),
    ],
)
def test_what_has_not_one_folder_per_class_is_rejected(write, files, words):
    assert words in fault_of(write(files))


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(samples=2), "more than 2 files"),
        (Limits(bytes=5), "more than 5 bytes when unpacked"),
        (Limits(classes=1), "more than 1 classes"),
    ],
)
def test_limits(write, limits, words):
    assert words in fault_of(write(TWO_CLASSES), limits)


def test_many_folders_are_rejected_while_they_are_counted(write):
    files = {f"{index}/1.png": b"" for index in range(40)}
    assert "more than 10 classes" in fault_of(write(files), Limits(classes=10))


# Archives of data files.


def test_data_files_are_listed_and_extracted(write, tmp_path):
    files = {
        "mnist/train-images-idx3-ubyte.gz": b"images",
        "mnist/t10k-images-idx3-ubyte": b"others",
        "mnist/part10.csv": b"ten",
        "mnist/part9.csv": b"",
        "README.md": b"",
    }
    path = write(files)
    names = list_data_files(path, Limits())
    assert names == [
        "mnist/part9.csv",
        "mnist/part10.csv",
        "mnist/t10k-images-idx3-ubyte",
        "mnist/train-images-idx3-ubyte.gz",
    ]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    extracted = extract(path, names, scratch, Limits())
    assert [name for name, _ in extracted] == names
    assert [file.read_bytes() for _, file in extracted] == [files[name] for name in names]
    assert {file for _, file in extracted} == set(scratch.iterdir())


def test_an_archive_of_images_has_no_data_files(write):
    assert list_data_files(write(TWO_CLASSES | {"labels.csv": b""}), Limits()) == []


# Zip files.


def test_a_member_that_is_larger_than_it_says(tmp_path):
    path = write_zip(tmp_path / "upload", TWO_CLASSES | {"pear/2.png": b"x" * 5000})
    data = bytearray(path.read_bytes())
    entry = data.rfind(b"PK\1\2")
    data[entry + 24 : entry + 28] = struct.pack("<I", 10)
    path.write_bytes(data)
    (part,) = read(path)
    with pytest.raises(InvalidInputError, match=r"larger than the archive says: 'pear/2\.png'"):
        list(part.samples)


def test_a_zip_bomb_is_rejected_from_its_headers(tmp_path):
    path = write_zip(tmp_path / "upload", TWO_CLASSES | {"pear/2.png": bytes(65 * 2**20)})
    assert path.stat().st_size < 2**17
    tracemalloc.start()
    assert "an image of 68,157,440 bytes: 'pear/2.png'" in fault_of(path)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_overlapping_members(tmp_path):
    path = write_zip(tmp_path / "upload", TWO_CLASSES)
    data = bytearray(path.read_bytes())
    first = data.find(b"PK\1\2")
    second = data.find(b"PK\1\2", first + 1)
    data[second + 42 : second + 46] = data[first + 42 : first + 46]
    path.write_bytes(data)
    assert "overlap" in fault_of(path)


def test_encrypted_members(tmp_path):
    path = write_zip(tmp_path / "upload", TWO_CLASSES)
    data = bytearray(path.read_bytes())
    data[data.find(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    assert "encrypted file: 'apple/1.png'" in fault_of(path)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_in_a_zip(tmp_path, kind):
    member = zipfile.ZipInfo("apple/link.png")
    member.create_system = 3
    member.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "upload", "w") as archive:
        archive.writestr(member, "/etc/passwd")
    assert "a link or a device: 'apple/link.png'" in fault_of(tmp_path / "upload")


def test_rare_compression_methods(tmp_path):
    path = write_zip(tmp_path / "upload", TWO_CLASSES, zipfile.ZIP_LZMA)
    assert "compression method 14" in fault_of(path)


def test_two_members_with_the_same_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "upload", "w") as archive:
        archive.writestr("a/1.png", "1")
        archive.writestr("b/1.png", "2")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a/1.png", "3")
    assert "two files with the same name: '1.png'" in fault_of(tmp_path / "upload")


def test_the_number_of_entries_is_checked_first(tmp_path):
    path = write_zip(tmp_path / "upload", TWO_CLASSES)
    data = bytearray(path.read_bytes())
    data[-14:-10] = struct.pack("<2H", 60_000, 60_000)
    path.write_bytes(data)
    assert "has 60,000 entries: 2 files are allowed" in fault_of(path, Limits(samples=2))
    assert "is damaged" in fault_of(path)  # it has fewer


def test_many_files_and_64_bit_fields(tmp_path):
    with zipfile.ZipFile(tmp_path / "upload", "w") as archive:
        for index in range(66_000):
            archive.writestr(f"{index % 2}/{index}.png", b"")
        with archive.open("1/last.png", "w", force_zip64=True) as member:
            member.write(b"last")
    (part,) = read(tmp_path / "upload")
    assert len(part.samples) == 66_001
    assert list(part.samples)[-1] == ("1/last.png", b"last")


@pytest.mark.parametrize("extra", [b"", b"\1\0\x08\0\5", b"\1\0\xff\xff" + bytes(12), b"\1"])
def test_incomplete_64_bit_fields(tmp_path, extra):
    member = zipfile.ZipInfo("apple/3.png")
    member.extra = extra
    with zipfile.ZipFile(tmp_path / "upload", "w") as archive:
        archive.writestr("pear/1.png", b"1")
        archive.writestr(member, b"content")
    data = bytearray((tmp_path / "upload").read_bytes())
    entry = data.rfind(b"PK\1\2")
    data[entry + 24 : entry + 28] = b"\xff" * 4
    (tmp_path / "upload").write_bytes(data)
    assert "contradictory sizes for 'apple/3.png'" in fault_of(tmp_path / "upload")


def test_contradictory_64_bit_fields(tmp_path):
    with zipfile.ZipFile(tmp_path / "upload", "w") as archive:
        for index in range(66_000):
            archive.writestr(f"{index % 2}/{index}", b"")
    data = bytearray((tmp_path / "upload").read_bytes())
    data[-14:-10] = struct.pack("<2H", 3, 3)
    (tmp_path / "upload").write_bytes(data)
    assert "is damaged" in fault_of(tmp_path / "upload")


@pytest.mark.parametrize("writer", [write_zip, write_tar])
def test_every_truncated_archive_is_rejected(tmp_path, writer):
    path = writer(tmp_path / "upload", TWO_CLASSES)
    data = path.read_bytes()
    used = len(data) if writer is write_zip else 5 * 512 + 2  # without the blocks at the end
    for length in range(1, used):
        path.write_bytes(data[:length])
        with pytest.raises(InvalidInputError):
            [list(part.samples) for part in read(path)]


@pytest.mark.parametrize("writer", [write_zip, write_tar])
def test_damaged_archives_raise_only_errors_for_people(tmp_path, writer):
    path = writer(tmp_path / "upload", TWO_CLASSES)
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    rejected = 0
    for _ in range(1500):
        damaged = bytearray(data)
        damaged[rng.integers(min(len(data), 3000))] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            for part in read(path):
                list(part.samples)
        except InvalidInputError:
            rejected += 1
    assert rejected > 300


# Tar files.


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (tarfile.SYMTYPE, "a link: 'apple/link.png'"),
        (tarfile.LNKTYPE, "a link: 'apple/link.png'"),
        (tarfile.CHRTYPE, "a device or a special file: 'apple/link.png'"),
        (tarfile.FIFOTYPE, "a device or a special file: 'apple/link.png'"),
    ],
)
def test_links_and_devices_in_a_tar(tmp_path, kind, words):
    member = tarfile.TarInfo("apple/link.png")
    member.type = kind
    member.linkname = "/etc/passwd"
    with tarfile.open(tmp_path / "upload", "w") as archive:
        archive.addfile(member)
    assert words in fault_of(tmp_path / "upload")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_large_header_is_rejected_before_it_is_read(tmp_path, kind):
    member = tarfile.TarInfo("x")
    member.type, member.size = kind, 100_000
    block = member.tobuf(tarfile.USTAR_FORMAT)
    (tmp_path / "upload").write_bytes(block + bytes(200_000))
    assert "a header of 100,000 bytes" in fault_of(tmp_path / "upload")


def test_sparse_files(tmp_path):
    member = tarfile.TarInfo("apple/1.png")
    member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.realsize": "99999999999"}
    with tarfile.open(tmp_path / "upload", "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member)
    assert "a sparse file" in fault_of(tmp_path / "upload")


def test_a_file_of_another_format(tmp_path):
    (tmp_path / "upload").write_bytes(b"hello" * 1000)
    assert "is damaged" in fault_of(tmp_path / "upload")
    (tmp_path / "upload").write_bytes(b"")
    assert "has no images" in fault_of(tmp_path / "upload")
