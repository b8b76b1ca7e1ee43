import os
import time
from concurrent.futures import ThreadPoolExecutor
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
def uploads(objects):
    return Uploads(objects)


@pytest.fixture
def quota(objects):
    return Quota(objects, ALLOWED)


def test_a_file_exists_only_when_it_is_complete(uploads, quota, objects):
    file = uploads.receive("one", 600, quota)
    file.write(DATA)
    with pytest.raises(FileNotFoundError):
        uploads.file("one")
    assert list(uploads.ages()) == ["one"]
    assert file.keep() == "one"
    file.close()
    assert uploads.file("one").read_bytes() == DATA
    assert objects.names(".uploads") == ["one"]
    file.remove()
    assert uploads.ages() == {}


@pytest.mark.parametrize("size", [0, 900])
def test_what_is_not_kept_is_removed(uploads, quota, objects, size):
    file = uploads.receive("one", size, quota)
    file.write(DATA)
    file.close()
    file.close()
    assert uploads.ages() == {}
    assert objects.names(".uploads") == []
    assert quota.used() == 0


def test_the_bytes_to_come_count_until_the_file_is_complete(uploads, quota):
    with closing(uploads.receive("one", 900, quota)) as file:
        assert quota.used() == 900
        with pytest.raises(StorageFullError, match=r"1,100 bytes .* 1,000 bytes are allowed"):
            uploads.receive("two", 200, quota)
        assert list(uploads.ages()) == ["one"]
        file.write(DATA)
        assert quota.used() == 900
        file.keep()
        assert quota.used() == len(DATA)


def test_a_file_of_unknown_size_grows_up_to_the_quota(uploads, quota):
    with closing(uploads.receive("one", 0, quota)) as file:
        for pieces in range(1, 4):
            file.write(DATA)
            assert quota.used() == pieces * len(DATA)
        with pytest.raises(StorageFullError):
            file.write(DATA)
    assert quota.used() == 0


def test_a_file_of_unknown_size_reserves_space_rarely(uploads, objects):
    reserved = set()
    with closing(uploads.receive("one", 0, Quota(objects, 10**9))) as file:
        for _ in range(100):
            file.write(b"x" * 10)
            reserved |= {name for name in objects.names(".uploads") if ".reserved-" in name}
    assert len(reserved) == 8  # 10, 20, 40, … 1280 bytes


def test_uploads_at_the_same_time_do_not_exceed_the_quota_together(uploads, quota):
    def receive(number):
        try:
            return uploads.receive(f"job{number}", 400, quota)
        except StorageFullError:
            return None

    with ThreadPoolExecutor(8) as pool:
        files = [file for file in pool.map(receive, range(8)) if file]
    assert len(files) <= 2
    assert quota.used() == 400 * len(files)
    for file in files:
        file.close()
    assert quota.used() == 0


def test_a_reservation_and_its_file_count_once(objects, quota):
    objects.put(".uploads/one.reserved-500", b"")
    objects.put(".uploads/one", b"x" * 100)
    objects.put(".uploads/one.reserved-600", b"")
    objects.put(".uploads/two", b"x" * 10)
    assert quota.used() == 610


def test_the_quota_counts_all_objects(objects, quota):
    assert quota.used() == 0
    objects.put("d-0123456789ab/attempt/train-samples.npy", bytes(500))
    objects.put("d-0123456789ab/dataset.json", bytes(70))
    assert quota.used() == 570
    quota.check(None)
    objects.put("d-0123456789ab/other/train-samples.npy", bytes(431))
    with pytest.raises(StorageFullError):
        quota.check(None)


def test_a_full_disk_is_named():
    with pytest.raises(StorageFullError, match="the disk is full"), saying_why("write the upload"):
        Path("/dev/full").write_bytes(DATA)


def test_a_new_upload_is_young(uploads, quota):
    with closing(uploads.receive("one", 10, quota)) as file:
        file.write(DATA)
        assert abs(uploads.ages()["one"]) < 3600
        file.keep()
        assert abs(uploads.ages()["one"]) < 3600


def test_an_upload_is_as_old_as_the_last_write_to_it(uploads, quota, objects, folder):
    arriving = uploads.receive("arriving", 10, quota)
    with closing(uploads.receive("done", 0, quota)) as file:
        file.write(DATA)
        file.keep()
    objects.put(".uploads/.before.part", b"of an earlier version")
    assert all(-1 < age < 3600 for age in uploads.ages().values())
    day_ago = time.time() - 86_400
    for path in (folder / ".uploads").iterdir():
        os.utime(path, (day_ago, day_ago))
    assert {job: round(age, -3) for job, age in uploads.ages().items()} == dict.fromkeys(
        ["arriving", "done", "before"], 86_000
    )
    arriving.write(DATA)
    assert uploads.ages()["arriving"] < 3600
    for job in uploads.ages():
        uploads.drop(job)
    assert objects.names(".uploads") == []
    arriving.close()
