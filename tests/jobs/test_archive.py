"""The archive: jobs move there and back, and nobody can tell where they are."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jobs.archive_file import read, read_all, write
from jobs.archive_rows import ArchivedJob
from jobs.archiving import Archiver
from jobs.owned import OwnedJobs
from jobs.store import JobStore
from stepbox.errors import ConflictError, NotFoundError, StoreError, UnavailableError
from stepbox.store.folder import FolderStore
from tests.jobs.test_job_store import OWNER, entry, events, loss, submit
from tests.jobs.test_listing import lists, walk
from tests.processes import wait_until

STATUSES = ("succeeded", "failed", "cancelled")


@pytest.fixture
def objects(own_stack):
    return FolderStore(own_stack.settings().folders["archive"])


@pytest.fixture
def archiving(jobs, objects):
    """Provide all jobs, with the archive."""
    return JobStore(jobs.redis, objects)


@pytest.fixture
def archive(archiving, objects):
    """Return a function that archives all finished jobs but the newest ones."""

    def archive(keep=0):
        every = Archiver(archiving, objects, days=1e-9 if keep == 0 else 0, most=keep)
        return every.clean_up()

    return archive


def finish(jobs, status="succeeded", **options):
    """Run a job to its end, and return its id."""
    id = submit(jobs, **options).id
    claim = jobs.claim(OWNER, "w")
    jobs.start(claim, "cpu")
    jobs.report(claim, epoch=entry(0), losses=[loss(1000), loss(2000)])
    jobs.report(claim, epoch=entry(1), checkpoint="e1-s0-a")
    if status == "succeeded":
        jobs.decide(claim, "m-0123456789ab", peak_memory=1, better_than_guessing=True)
    problem = {"type": "about:blank", "title": "No", "status": 500, "detail": "ß"}
    jobs.finish(claim, status, problem if status == "failed" else None)
    return id


def fill(jobs, number=9):
    """Finish jobs of several owners; return all ids, the newest first."""
    owners = (None, "ada", "bob")
    ids = [
        finish(jobs, STATUSES[place % 3], submitted_by=owners[place // 3 % 3])
        for place in range(number)
    ]
    return ids[::-1]


def answers(jobs):
    """Return all that can be asked about the finished jobs."""
    ids = walk(jobs, limit=100)
    streams = {id: events(jobs, id) for id in ids}
    views = {owner: walk(OwnedJobs(jobs, owner)) for owner in ("ada", "bob", "eve")}
    return (
        ids,
        lists(jobs),
        {id: jobs.get(id) for id in ids},
        streams,
        {id: events(jobs, id, streams[id][:3][-1].id) for id in ids[:3]},
        jobs.page(limit=5),
        jobs.page(limit=5, after=ids[3]),
        jobs.page(limit=5, after=ids[3], status="failed"),
        views,
        jobs.measure().jobs,
        jobs.unfinished(),
    )


def test_an_archived_job_answers_as_before(archiving, archive):
    fill(archiving)
    submit(archiving)
    before = answers(archiving)
    assert archive(keep=5) == 4
    assert archiving.redis.zcard("jobs:all") == 6
    assert answers(archiving) == before
    assert archive() == 5
    assert archiving.redis.zcard("jobs:all") == 1
    assert answers(archiving) == before


def test_redis_keeps_nothing_of_an_archived_job(archiving, archive):
    def keys():
        return {key for key in archiving.redis.scan_iter() if not key.startswith("archive")}

    archiving.delete(finish(archiving))
    archiving.redis.delete(*archiving.redis.scan_iter("events:*"))
    before = keys()
    ids = fill(archiving, 3)
    archive()
    for id in ids:
        assert 0 < archiving.redis.ttl(f"events:{id}") <= 60
        assert 0 < archiving.redis.ttl(f"archived:{id}") <= 24 * 3600
        archiving.redis.delete(f"events:{id}", f"archived:{id}")
    assert keys() == before


def test_the_events_that_have_expired_stay_away(archiving, archive):
    id = finish(archiving)
    archiving.redis.delete(f"events:{id}")
    before = events(archiving, id), events(archiving, id, "7-7")
    archive()
    assert (events(archiving, id), events(archiving, id, "7-7")) == before


def test_an_open_stream_ends_when_its_job_is_archived(archiving, archive):
    from jobs.events import parse_events

    id = finish(archiving)
    last = events(archiving, id)[-1].id
    archive()
    ((entry_id, fields),) = archiving.redis.xrange(f"events:{id}")
    (event,) = parse_events([(entry_id, fields)], [], "")
    assert (event.data, event.final) == ("", True)
    assert tuple(map(int, entry_id.split("-"))) > tuple(map(int, last.split("-")))


def test_labels_of_an_archived_job_can_change(archiving, archive):
    ids = fill(archiving)
    before = answers(archiving)
    archive()
    model = archiving.get(ids[2]).model
    assert archiving.label(ids[2], {"title": "Ä", "tags": ["x"]}, model) == "changed"
    assert archiving.redis.exists(f"job:{ids[2]}", f"losses:{ids[2]}", f"events:{ids[2]}") == 3
    assert archiving.get(ids[2]).title == "Ä"
    assert answers(archiving)[0] == before[0]
    assert archive() == 1
    assert archiving.redis.zcard("jobs:all") == 0
    changed = archiving.get(ids[2])
    assert (changed.title, changed.tags) == ("Ä", ("x",))
    archiving.label(ids[2], {"title": None, "tags": []}, model)
    after = answers(archiving)
    assert after[:3] == before[:3]
    assert after[5:] == before[5:]


def test_labels_for_another_model_are_refused(archiving, archive):
    id = finish(archiving)
    archive()
    assert archiving.label(id, {"title": "x"}, "m-ffffffffffff") == "other"
    assert OwnedJobs(archiving, "ada").label(id, {"title": "x"}, None) == "unknown"


def test_an_archived_job_can_be_deleted(archiving, archive, objects):
    ids = fill(archiving)
    archive()
    for id in ids[2:4]:
        archiving.delete(id)
        with pytest.raises(NotFoundError):
            archiving.get(id)
        with pytest.raises(NotFoundError):
            archiving.delete(id)
    left = [id for id in ids if id not in ids[2:4]]
    assert walk(archiving) == left
    (name,) = archiving.redis.hkeys("archive:files")
    assert archive() == 0  # writes the file again
    (again,) = archiving.redis.hkeys("archive:files")
    assert again != name
    assert [job.id for job in read_all(objects.local_file(again))] == left[::-1]
    assert walk(archiving) == left
    for id in left:
        archiving.delete(id)
    archive()
    assert archiving.redis.hlen("archive:files") == 0
    assert walk(archiving) == []


def test_an_archived_job_cannot_be_cancelled(archiving, archive):
    id = finish(archiving)
    archive()
    with pytest.raises(ConflictError, match="already finished: its status is succeeded"):
        archiving.cancel(id)


def test_an_idempotency_key_finds_its_archived_job(archiving, archive):
    id = finish(archiving, idempotency_key="k")
    archive()
    assert submit(archiving, idempotency_key="k").id == id
    archiving.delete(id)
    assert submit(archiving, idempotency_key="k").id != id


def test_other_owners_see_no_archived_job(archiving, archive):
    id = finish(archiving, submitted_by="ada")
    archive()
    ada, bob = OwnedJobs(archiving, "ada"), OwnedJobs(archiving, "bob")
    assert ada.get(id).id == id
    for call in (bob.get, bob.delete, bob.cancel, bob.checkpoint):
        with pytest.raises(NotFoundError):
            call(id)
    with pytest.raises(NotFoundError):
        bob.page(after=id)
    ada.delete(id)


def test_jobs_move_by_their_age(archiving, objects):
    old, new = finish(archiving), finish(archiving)
    seconds, _ = archiving.redis.time()
    for field in ("created_at", "finished_at"):
        archiving.redis.hset(f"job:{old}", field, seconds - 3 * 86_400)
    assert Archiver(archiving, objects, days=4, most=0).clean_up() == 0
    assert Archiver(archiving, objects, days=0, most=0).clean_up() == 0
    assert Archiver(archiving, objects, days=2, most=0).clean_up() == 1
    assert not archiving.redis.exists(f"job:{old}")
    assert walk(archiving) == [new, old]


def test_a_job_that_ran_for_long_is_as_old_as_its_end(archiving, objects):
    id = finish(archiving)
    seconds, _ = archiving.redis.time()
    archiving.redis.hset(f"job:{id}", "created_at", seconds - 3 * 86_400)
    assert Archiver(archiving, objects, days=2, most=0).clean_up() == 0


def test_a_sweep_moves_jobs_only_if_there_are_enough(archiving, objects):
    archiver = Archiver(archiving, objects, days=0, most=20)
    for _ in range(21):
        finish(archiving)
    assert not archiver.sweep_is_due()
    assert archiver.clean_up_is_due()
    finish(archiving)
    assert archiver.sweep_is_due()
    assert archiver.sweep() == 2
    assert not archiver.sweep_is_due()
    assert not archiver.clean_up_is_due()
    finish(archiving)
    assert archiver.clean_up_is_due()
    assert archiver.clean_up() == 1


def test_a_clean_up_is_due_for_what_nobody_needs(archiving, archive):
    archiver = Archiver(archiving, archiving.archive._objects, days=0, most=100)
    ids = fill(archiving, 3)
    archive()
    assert not archiver.clean_up_is_due()
    archiving.delete(ids[0])
    assert archiver.clean_up_is_due()
    archiver.clean_up()
    (old,) = archiving.redis.zrange("archive:unregistered", 0, -1)
    assert not archiver.clean_up_is_due()
    archiving.redis.zadd("archive:unregistered", {old: 1})
    assert archiver.clean_up_is_due()
    archiver.clean_up()
    assert not archiver.clean_up_is_due()


def test_files_are_filled_before_others_begin(archiving, archive, monkeypatch):
    monkeypatch.setattr("jobs.archiving.FILE_JOBS", 4)
    monkeypatch.setattr("jobs.archiving.MOVED_AT_ONCE", 3)
    ids = fill(archiving, 10)
    before = answers(archiving)
    assert archive() == 10
    assert sorted(file.jobs for file in archiving.archive.view().files) == [4, 6]
    assert answers(archiving) == before
    assert walk(archiving) == ids


@pytest.fixture
def portions(archiving, monkeypatch):
    """Return a list that gets the number of jobs that each new file has removed from Redis."""
    numbers = []
    register = archiving.archive.register

    def note(*arguments):
        numbers.append(register(*arguments))
        return numbers[-1]

    monkeypatch.setattr(archiving.archive, "register", note)
    return numbers


def test_large_jobs_are_moved_in_portions(archiving, archive, portions, monkeypatch):
    monkeypatch.setattr("jobs.archiving.READ_AT_ONCE", 2)
    monkeypatch.setattr("jobs.archiving.MOVED_CHARACTERS", 1)
    ids = fill(archiving, 5)
    assert archive() == 5
    assert portions == [2, 2, 1]
    assert walk(archiving) == ids


def test_a_job_that_changes_meanwhile_moves_later(
    archiving, archive, objects, portions, monkeypatch
):
    changed, deleted, same = fill(archiving, 3)
    put = objects.put

    def slow(name, data):
        monkeypatch.setattr(objects, "put", put)
        put(name, data)
        archiving.label(changed, {"title": "new"}, archiving.get(changed).model)
        archiving.delete(deleted)

    monkeypatch.setattr(objects, "put", slow)
    assert archive() == 2
    assert portions == [1, 1]
    assert walk(archiving) == [changed, same]
    assert archiving.get(changed).title == "new"


@pytest.mark.parametrize("registered", [False, True])
def test_of_two_workers_one_wins(archiving, archive, objects, monkeypatch, registered):
    """A worker is paused before or after it has written a file, and another one does its work."""
    if registered:  # then both write the same file again
        fill(archiving, 3)
        archive()
    fill(archiving, 4)
    before = answers(archiving)
    put = objects.put

    def slow(name, data):
        monkeypatch.setattr(objects, "put", put)
        archiving.redis.delete("archive:turn")  # it has expired
        assert archive() == 4
        put(name, data)

    monkeypatch.setattr(objects, "put", slow)
    assert archive() == 0
    assert answers(archiving) == before
    assert archiving.redis.hlen("archive:files") == 1


def test_only_files_that_redis_gives_up_are_removed(archiving, archive, objects):
    fill(archiving, 3)
    archive()
    (first,) = objects.names()
    fill(archiving, 3)
    archive()
    objects.put("unknown.parquet", b"of another Redis")
    objects.put("unfinished.parquet", b"PAR1")
    archiving.redis.zadd("archive:unregistered", {"unfinished.parquet": 1})
    assert first in objects.names()
    archive()
    (second,) = archiving.redis.hkeys("archive:files")
    assert sorted(objects.names()) == sorted([first, second, "unknown.parquet"])
    archiving.redis.zincrby("archive:unregistered", -86_500, first)  # a day later
    archive()
    assert sorted(objects.names()) == sorted([second, "unknown.parquet"])
    assert archiving.redis.zcard("archive:unregistered") == 0


def test_a_removed_file_is_not_registered(archiving, archive, objects, monkeypatch):
    """A worker is paused for more than a day, and its file is removed meanwhile."""
    ids = fill(archiving, 3)
    put = objects.put

    def slow(name, data):
        archiving.redis.zrem("archive:unregistered", name)
        put(name, data)

    monkeypatch.setattr(objects, "put", slow)
    assert archive() == 0
    assert archiving.redis.zcard("jobs:all") == 3
    assert archiving.redis.zcard("archive:unregistered") == 1
    assert walk(archiving) == ids


@pytest.mark.parametrize("rewritten", [False, True])
def test_a_lost_reply_removes_no_file(archiving, archive, objects, monkeypatch, rewritten):
    """The client repeats the script that registers a file, because its reply was lost."""
    fill(archiving, 4)
    if rewritten:
        archive()
        fill(archiving, 2)
    before = answers(archiving)
    run = archiving.archive._run

    def run_twice(script, *arguments):
        if script == "archive":
            run(script, *arguments)
        return run(script, *arguments)

    monkeypatch.setattr(archiving.archive, "_run", run_twice)
    assert archive() == (2 if rewritten else 4)
    for name in archiving.redis.zrange("archive:unregistered", 0, -1):
        archiving.redis.zadd("archive:unregistered", {name: 1})  # as if a day had passed
    archive()
    assert objects.names() == archiving.redis.hkeys("archive:files")
    assert answers(JobStore(archiving.redis, objects)) == before


def test_a_file_that_counts_is_never_removed(archiving, archive, objects):
    ids = fill(archiving, 3)
    archive()
    (name,) = objects.names()
    archiving.redis.zadd("archive:unregistered", {name: 1})
    archive()
    assert objects.names() == [name]
    assert archiving.redis.zcard("archive:unregistered") == 0
    assert walk(JobStore(archiving.redis, objects)) == ids


def test_a_file_that_comes_back_while_it_is_removed_is_removed_later(
    archiving, archive, objects, monkeypatch
):
    """A worker writes its file after it was removed, and before its name is forgotten."""
    fill(archiving, 3)
    archiving.redis.zadd("archive:unregistered", {"late.parquet": 1})
    delete = objects.delete

    def delete_and_write(name):
        monkeypatch.setattr(objects, "delete", delete)
        delete(name)
        objects.put(name, b"PAR1")
        assert archiving.archive.register(name, "{}", [], []) == 0

    monkeypatch.setattr(objects, "delete", delete_and_write)
    archive()
    assert archiving.redis.zscore("archive:unregistered", "late.parquet") > 1
    archiving.redis.zadd("archive:unregistered", {"late.parquet": 1})
    archive()
    assert "late.parquet" not in objects.names()


def test_readers_give_up_if_jobs_move_all_the_time(archiving, archive):
    ids = fill(archiving, 3)
    archive()

    def move(view):
        archiving.label(ids[0], {"title": "x"}, archiving.get(ids[0]).model)
        archive()

    with pytest.raises(UnavailableError, match="are moving"):
        archiving.archive.settled(move)


@pytest.mark.parametrize("end", ["\0", "\0\0", " ", "ß", "0"])
def test_an_id_that_no_job_has_is_unknown_without_a_look_at_the_archive(archiving, archive, end):
    ids = fill(archiving, 3)
    archive()
    without = JobStore(archiving.redis)  # would raise StoreError
    calls = (without.get, without.delete, lambda id: without.page(after=id))
    for call in calls:
        with pytest.raises(NotFoundError):
            call(ids[0] + end)
    assert archiving.get(ids[0]).id == ids[0]


def test_a_page_reads_only_the_files_of_its_jobs(archiving, archive, objects, monkeypatch):
    monkeypatch.setattr("jobs.archiving.FILE_JOBS", 1)
    monkeypatch.setattr("jobs.archiving.MOVED_AT_ONCE", 3)
    ids = fill(archiving, 9)
    archive()
    newest, *older = archiving.archive.view().files
    for file in older:
        objects.delete(file.name)
    listed, _ = JobStore(archiving.redis, objects).page(limit=2)
    assert [job.id for job in listed] == ids[:2]
    assert newest.jobs == 3


def test_a_damaged_file_is_never_taken_for_missing_jobs(archiving, archive, objects):
    ids = fill(archiving, 3)
    archive()
    (name,) = objects.names()
    objects.put(name, objects.get(name, 2**20)[:-1])
    fresh = JobStore(archiving.redis, objects)
    for call in (lambda: fresh.get(ids[0]), fresh.page, lambda: fresh.get("0" * 16)):
        with pytest.raises(StoreError, match="damaged"):
            call()
    newer = fill(archiving, 3)
    archive()  # to a file of its own
    assert fresh.get(newer[0]).id == newer[0]
    assert [job.id for job in fresh.page(limit=2)[0]] == newer[:2]
    objects.delete(name)
    with pytest.raises(StoreError, match="missing"):
        fresh.get(ids[0])


def test_a_page_of_long_trainings_fits_in_memory_for_many_clients(archive, objects):
    """Each of 16 clients reads 100 jobs of 1,000 epochs."""
    epochs = [f"[{number},{','.join(['0.12345678901234567'] * 9)}]" for number in range(1000)]
    written = write(
        ArchivedJob(
            {"id": f"{number:016x}", "sequence": str(number), "status": "succeeded"},
            [f"[{number}]", *epochs],
            [],
            [],
        )
        for number in range(100)
    )
    objects.put("long.parquet", written.data)
    path = objects.local_file("long.parquet")
    with ThreadPoolExecutor(16) as clients:
        pages = [
            clients.submit(lambda: len(read(path, range(100), whole=False))) for _ in range(16)
        ]
        assert [page.result() for page in pages] == [100] * 16


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tags", '[{"name": "x"}]'),
        ("tags", '["\\ud800"]'),
        ("recipe", '{"name": ["later"], "dataset": 7}'),
        ("recipe", "[]"),
        ("started_at", "1e300"),
        ("started_at", "2031-01-01"),
    ],
)
def test_what_a_later_version_wrote_moves_too(archiving, archive, field, value):
    ids = fill(archiving, 3)
    archiving.redis.hset(f"job:{ids[1]}", field, value)
    before = archiving.redis.hgetall(f"job:{ids[1]}")
    assert archive() == 3
    view = archiving.archive.view()
    assert archiving.archive.read(view, {ids[1]: None})[ids[1]].record == before


@pytest.mark.parametrize("field", ["sequence", "created_at", "finished_at"])
def test_a_record_that_cannot_be_read_stops_no_other(
    archiving, archive, monkeypatch, caplog, field
):
    monkeypatch.setattr("jobs.archiving.MOVED_AT_ONCE", 2)
    *ids, damaged = fill(archiving, 6)
    archiving.redis.hset(f"job:{damaged}", field, "tomorrow")
    assert archive() == 5
    assert archiving.redis.zrange("jobs:all", 0, -1) == [damaged]
    assert f"job {damaged} stays in Redis" in caplog.text
    assert [archiving.get(id).id for id in ids] == ids


def test_a_copy_that_was_evicted_is_read_later(archiving, archive, objects):
    ids = fill(archiving, 3)
    archive()
    cached = JobStore(archiving.redis, objects)
    local_file, cached.archive.local_file = cached.archive.local_file, lambda name: Path(name)
    with pytest.raises(StoreError, match="just been removed"):
        cached.get(ids[0])
    cached.archive.local_file = local_file
    assert cached.get(ids[0]).id == ids[0]


def test_a_process_without_the_archive_says_so(archiving, archive):
    id = finish(archiving)
    archive()
    with pytest.raises(StoreError, match="does not know"):
        JobStore(archiving.redis).get(id)


def test_pages_miss_and_repeat_nothing_while_jobs_move(archiving, archive, objects):
    ids = fill(archiving, 30)
    stopped = threading.Event()
    moved = []
    errors = []

    def move():
        mover = JobStore(archiving.redis, objects)
        keep = 30
        try:
            while not stopped.is_set():
                keep = keep - 7 if keep > 7 else 30
                moved.append(Archiver(mover, objects, days=0, most=keep).clean_up())
                for id in ids[::9]:
                    mover.label(id, {"notes": str(keep)}, mover.get(id).model)
        except Exception as error:
            errors.append(error)

    def read():
        for limit in (1, 4, 100):
            assert walk(archiving, limit) == ids
            assert [id for id in ids[:10] if archiving.get(id).status] == ids[:10]
        assert walk(OwnedJobs(archiving, "ada"), 4) == [
            id for id in ids if archiving.get(id).submitted_by == "ada"
        ]
        assert walk(archiving, 4, status="failed") == [
            id for id in ids if archiving.get(id).status == "failed"
        ]
        return errors or sum(moved) > len(ids)

    thread = threading.Thread(target=move)
    thread.start()
    try:
        wait_until(read, what="jobs that move while they are read")
    finally:
        stopped.set()
        thread.join()
    assert errors == []
