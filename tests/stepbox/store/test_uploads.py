import os
import time
from contextlib import closing
from pathlib import Path

import pytest

from stepbox.errors import StorageFullError
from stepbox.store.quota import Quota, saying_why
from stepbox.store.uploads import Uploads

ALLOWED = 1000
DATA = b"0123456789" * 30


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "datasets"


@pytest.fixture
def uploads(folder):
    return Uploads(folder / ".uploads")


@pytest.fixture
def quota(folder):
    return Quota(folder, ALLOWED)


def test_a_file_has_its_name_only_when_it_is_complete(uploads, quota):
    file = uploads.receive("one", 600, quota)
    file.write(DATA)
    assert not uploads.path("one").exists()
    assert uploads.jobs() == ["one"]
    assert file.keep() == "one"
    file.close()
    assert uploads.path("one").read_bytes() == DATA
    file.remove()
    assert uploads.jobs() == []


def test_what_is_not_kept_is_removed(uploads, quota):
    file = uploads.receive("one", 0, quota)
    file.write(DATA)
    file.close()
    assert uploads.jobs() == []
    assert quota.used() == 0


def test_the_bytes_to_come_count_until_the_file_is_complete(uploads, quota):
    with closing(uploads.receive("one", 900, quota)) as file:
        assert quota.used() == 900
        with pytest.raises(StorageFullError, match=r"1,100 bytes .* 1,000 bytes are allowed"):
            uploads.receive("two", 200, quota)
        assert uploads.jobs() == ["one"]
        file.write(DATA)
        file.keep()
        assert quota.used() == len(DATA)


def test_a_file_of_unknown_size_grows_up_to_the_quota(uploads, quota):
    with closing(uploads.receive("one", 0, quota)) as file:
        for _ in range(3):
            file.write(DATA)
        with pytest.raises(StorageFullError):
            file.write(DATA)


def test_the_quota_counts_all_files_of_the_folder(folder, quota):
    assert quota.used() == 0
    (folder / "d-0123456789ab" / "train").mkdir(parents=True)
    (folder / "d-0123456789ab" / "train" / "images.npy").write_bytes(bytes(500))
    (folder / "d-0123456789ab" / "spec.json").write_bytes(bytes(70))
    (folder / "elsewhere").symlink_to("/usr")
    assert 570 <= quota.used() <= 570 + 10


def test_a_full_disk_is_named():
    with pytest.raises(StorageFullError, match="the disk is full"), saying_why("write the upload"):
        Path("/dev/full").write_bytes(DATA)


def test_files_are_left_an_hour_after_the_last_write(uploads, quota):
    file = uploads.receive("arriving", 10, quota)
    uploads.path("done").write_bytes(DATA)
    assert uploads.left() == []
    hours_ago = time.time() - 2 * 3600
    for path in (uploads.path(".arriving.part"), uploads.path("done")):
        os.utime(path, (hours_ago, hours_ago))
    assert sorted(uploads.left()) == ["arriving", "done"]
    for job in uploads.left():
        uploads.drop(job)
    assert uploads.jobs() == []
    file.close()
