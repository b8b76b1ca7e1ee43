"""The bytes of an owner: those of their uploads, and of the data sets made from these."""

from contextlib import closing

import pytest

from stepbox.errors import StorageFullError
from stepbox.store.datasets import DatasetStore
from stepbox.store.quota import Quota
from stepbox.store.uploads import Uploads
from tests.datasets import add_dataset, make_dataset, stage

ALLOWED = 10_000
MOST = 10**9


def bytes_below(objects, place):
    return sum(entry.size for entry in objects.entries(place))


@pytest.fixture
def uploads(objects):
    return Uploads(objects)


@pytest.fixture
def quota(objects):
    return Quota(objects, MOST, ALLOWED)


@pytest.fixture
def datasets(objects, tmp_path):
    return DatasetStore(objects, tmp_path / "builtin")


def used(objects, owner):
    """Return the bytes of an owner, which an error says."""
    try:
        Quota(objects, MOST, 1).check(owner)
    except StorageFullError as error:
        return int(str(error).partition("would take ")[2].partition(" ")[0].replace(",", ""))
    return 0


def test_uploads_count_for_their_owner_until_they_are_dropped(uploads, quota, objects):
    with closing(uploads.receive("one", 9000, quota, "alice")) as file:
        assert used(objects, "alice") == 9000
        with pytest.raises(StorageFullError) as caught:
            uploads.receive("two", 2000, quota, "alice")
        for part in ("owner alice", "11,000 bytes", "10,000 bytes", "STEPBOX_OWNER_BYTES"):
            assert part in str(caught.value)
        assert used(objects, "alice") == 9000
        for owner in ("bob", None):  # others have their own limits, or none
            uploads.receive(f"of-{owner}", 9000, quota, owner).close()
        file.write(bytes(100))
        file.keep()
    assert used(objects, "alice") == 100
    assert [*uploads.ages()] == ["one"]
    uploads.drop("one")
    assert used(objects, "alice") == 0
    assert objects.names(".uploads") == []


def test_a_file_of_unknown_size_grows_up_to_the_limit_of_its_owner(uploads, quota, objects):
    with closing(uploads.receive("one", 0, quota, "alice")) as file:
        for _ in range(3):
            file.write(bytes(3000))
        with pytest.raises(StorageFullError, match="owner alice"):
            file.write(bytes(3000))
    assert objects.names(".uploads") == []


def test_a_data_set_counts_for_whose_import_was_published_first(uploads, quota, objects, datasets):
    spec, arrays = make_dataset("some", (8, 8))
    places = {}
    for owner in ("alice", "bob"):
        with closing(uploads.receive(owner * 2, 10, quota, owner)) as file:
            file.keep()
        places[owner] = stage(datasets, spec, arrays, f"{owner * 2}-1", owner)
    sizes = {owner: bytes_below(objects, place) for owner, place in places.items()}
    for owner, size in sizes.items():  # what is staged counts, too
        assert used(objects, owner) == size
    datasets.publish(places["alice"])
    datasets.publish(places["bob"])
    for job in uploads.ages():
        uploads.drop(job)
    assert (used(objects, "alice"), used(objects, "bob")) == (sizes["alice"], 0)
    datasets.delete(spec.id)
    assert used(objects, "alice") == 0
    datasets.publish(stage(datasets, spec, arrays, "bob-2", "bob"))
    assert (used(objects, "alice"), used(objects, "bob")) == (0, sizes["bob"] - len("bob"))


def test_one_quota_follows_all_changes(quota, objects, datasets):
    spec, arrays = make_dataset("large", (64, 64))
    for owner in ("alice", "bob"):
        place = stage(datasets, spec, arrays, f"{owner}-1", owner)
        datasets.publish(place)
        with pytest.raises(StorageFullError, match=f"owner {owner}"):
            quota.check(owner)
        quota.check("bob" if owner == "alice" else "alice")
        datasets.delete(spec.id)
        quota.check(owner)


def test_a_data_set_without_an_owner_counts_for_nobody(quota, objects, datasets):
    spec, _ = add_dataset(datasets, "some", (64, 64))
    assert objects.get(f"{spec.id}/dataset.json", 2**20).find(b"submitted_by") == -1
    quota.check("alice")
    quota.check(None)


def test_a_damaged_description_counts_for_nobody(quota, objects, datasets):
    spec, arrays = make_dataset("some", (64, 64))
    datasets.publish(stage(datasets, spec, arrays, "alice-1", "alice"))
    objects.put(f"{spec.id}/dataset.json", b"{")
    quota.check("alice")


def test_the_upload_of_an_import_does_not_count_together_with_its_samples(
    uploads, objects, datasets
):
    with closing(uploads.receive("one", 5000, Quota(objects, MOST), "alice")) as file:
        file.write(bytes(5000))
        file.keep()
    spec, arrays = make_dataset("some", (8, 8))
    size = bytes_below(objects, stage(datasets, spec, arrays, "one-1", "alice"))
    for quota in (Quota(objects, size), Quota(objects, MOST, size)):
        quota.check("alice", without="one")
        with pytest.raises(StorageFullError):
            quota.check("alice")
        with pytest.raises(StorageFullError, match=f"{size + 1:,} bytes"):
            quota.check("alice", without="one", more=1)


@pytest.mark.parametrize("owner", ["a.reserved-b", "a.reserved-5", ".reserved-", "a.owner-b"])
def test_the_names_of_owners_are_no_reservations(uploads, quota, objects, owner):
    with closing(uploads.receive("one", 9000, quota, owner)) as file:
        file.write(bytes(100))
        assert quota.used() == used(objects, owner) == 9000
        file.keep()
    assert quota.used() == used(objects, owner) == 100
