"""What programs do with the clients: train, wait, follow, upload and predict."""

import asyncio
import gzip
import io
import pickle
import zipfile
from contextlib import aclosing

import numpy as np
import pytest
from PIL import Image

import stepbox
from stepbox.client import Client
from stepbox.client.errors import (
    AccessDeniedError,
    BusyError,
    ClientError,
    InvalidRequestError,
    JobCancelledError,
    JobFailedError,
    JobTimeoutError,
    MissingError,
    ProblemError,
    UnreachableError,
    WrongStateError,
)
from stepbox.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    StepboxError,
)
from tests.processes import free_port, wait_until
from tests.stepbox.client.conftest import IRIS, MOONS, LossyRelay

pytestmark = pytest.mark.server

LONG = {"recipe": "mnist-numpy", "epochs": 1000}


@pytest.fixture
def long_job(client):
    job = client.train(**LONG)
    yield job
    if not job.refresh().record.ended:
        job.cancel()


@pytest.fixture
def relay(server):
    relay = LossyRelay(server.port)
    yield relay
    relay.close()


def test_train_wait_and_predict(client, digits, tmp_path):
    assert digits.status == "succeeded"
    assert digits.record.history[1].test_accuracy > 0.5
    seven = tmp_path / "seven.png"
    seven.write_bytes(client.datasets.picture("mnist", "test", 0))
    prediction = digits.model.predict(seven)
    assert prediction.label in {*digits.model.card().classes}
    assert sum(prediction.probabilities) == pytest.approx(1)
    assert digits.model.predict(str(seven), explain=True).entropy > 0
    with pytest.raises(ValueError, match="2 samples"):
        digits.model.predict([seven, seven])


def test_the_same_with_asyncio(server, tmp_path):
    async def go():
        async with stepbox.AsyncClient(server.url) as client:
            job = await client.job(await client.jobs.train(**MOONS))
            assert (await job.wait(progress=False)) is job
            assert (await client.job(job.id)).record == job.record
            point = await job.model.predict({"inputs": [[0.5, 0.5]]})
            kinds = [event.kind async for event in job.events()]
            card = await job.model.card()
            target = tmp_path / "weights"
            await client.download(target, client.models.weights, card.id)
            file = tmp_path / "flowers.csv"
            file.write_text(IRIS)
            dataset = (await (await client.upload(file, name="flowers")).wait()).dataset
            return point, kinds, target.read_bytes(), await client.datasets.get(dataset)

    point, kinds, weights, dataset = asyncio.run(go())
    assert point.label in ("0", "1")
    assert {"status", "epoch", "progress"} <= {*kinds}
    assert b"0.weight" in weights
    assert dataset.shape == [2]


def test_every_kind_of_samples(client, digits, tmp_path):
    pixels = np.zeros((2, 28, 28), np.uint8)
    pixels[:, 5:20, 14] = 255
    file = io.BytesIO()
    Image.fromarray(pixels[0]).save(file, "PNG")
    names = []
    for suffix in ("png", "jpg", "bmp", "webp", "npy"):
        names.append(tmp_path / f"one.{suffix}")
        if suffix == "npy":
            np.save(names[-1], pixels[:1])
        else:
            Image.fromarray(pixels[0]).save(names[-1])
    model = digits.model
    expected = model.predict(file.getvalue(), fit="none").label
    for sample in (*names, names[0].read_bytes(), names[-1].read_bytes(), pixels[:1]):
        assert model.predict(sample, fit="none").label == expected
    for samples in (pixels, names[:2], [file.getvalue()] * 2, {"images": pixels}):
        assert [one.label for one in model.predict_all(samples, fit="none").predictions] == [
            expected
        ] * 2
    packed = gzip.compress(b'{"images": %s}' % str(pixels.tolist()).encode())
    (tmp_path / "two.json").write_bytes(packed)
    answer = model.predict_all(tmp_path / "two.json", content_encoding="gzip", fit="none")
    assert len(answer.predictions) == 2
    for wrong in (3, [], [1, 2], None):
        with pytest.raises(TypeError, match=r"samples must be|numbers are ambiguous"):
            model.predict(wrong)


def test_a_zip_file_is_uploaded_and_imported(client, tmp_path):
    file = tmp_path / "shades.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for shade in range(40):
            picture = io.BytesIO()
            Image.new("L", (28, 28), shade * 6).save(picture, "PNG")
            archive.writestr(f"{'dark' if shade < 20 else 'light'}/{shade}.png", picture.getvalue())
    job = client.upload(file, name="shades", test=0.5).wait()
    entry = client.datasets.get(job.dataset)
    assert entry.classes == ["dark", "light"]
    assert entry.test.samples == 20
    assert client.datasets.get("shades") == entry


def test_a_large_file_that_is_rejected_at_once_says_why(client, tmp_path):
    file = tmp_path / "large.json"
    file.write_bytes(bytes(2**24))
    with pytest.raises(ProblemError, match=r"Content-Type must be one of .*text/csv"):
        client.upload(file, name="large")
    with pytest.raises(ProblemError, match="the body is empty"):
        client.upload(b"", name="empty")


def test_several_files_are_the_parts_of_an_upload(client, tmp_path):
    rng = np.random.default_rng(0)
    parts = {}
    for split, count in (("train", 30), ("t10k", 10)):
        images = rng.integers(0, 256, (count, 8, 8), np.uint8)
        head = b"\0\0\x08\x03" + np.array(images.shape, ">u4").tobytes()
        parts[f"{split}-images-idx3-ubyte"] = head + images.tobytes()
        labels = (np.arange(count) % 2).astype(np.uint8)
        parts[f"{split}-labels-idx1-ubyte"] = (
            b"\0\0\x08\x01" + np.array([count], ">u4").tobytes() + labels.tobytes()
        )
    for name, content in parts.items():
        (tmp_path / name).write_bytes(content)
    files = {name: tmp_path / name for name in parts}
    job = client.upload(files, name="parts").wait()
    assert client.datasets.get(job.dataset).shape == [8, 8]


def test_a_job_that_fails_raises_its_problem(client):
    with pytest.raises(JobFailedError, match="failed: ") as caught:
        client.upload(b"label,a\n" + b"x,1\n" * 3, name="one-class").wait()
    assert caught.value.problem["detail"]
    assert caught.value.record.status == "failed"
    job = client.job(caught.value.record.id)
    with pytest.raises(JobFailedError):
        job.wait()
    with pytest.raises(ConflictError, match=r"failed> has no model"):
        _ = job.model


def test_a_job_that_is_cancelled_or_takes_too_long(client, long_job):
    with pytest.raises(TimeoutError, match="has not ended in 0 s, and goes on") as caught:
        long_job.wait(timeout=0)
    assert isinstance(caught.value, JobTimeoutError)
    assert long_job.refresh().status in ("queued", "running")
    long_job.cancel()
    with pytest.raises(JobCancelledError, match="was cancelled"):
        long_job.wait()


def test_a_sweep_is_followed_to_its_winner(server, client):
    space = {"learning_rate": {"choices": [0.01, 0.3]}}
    options = MOONS | {"sampler": "grid", "trials": 2, "validation": 0.1}
    sweep = client.sweep(space, **options)
    events = list(sweep.events())
    assert [sweep.status, len(sweep.trials)] == ["succeeded", 2]  # it was read again
    assert sweep.wait() is sweep
    assert [trial.state for trial in sweep.trials] == ["complete"] * 2
    assert sweep.best.value == min(trial.value for trial in sweep.trials)
    assert sweep.best.params in ({"learning_rate": 0.01}, {"learning_rate": 0.3})
    assert sweep.model.ref == sweep.record.winner.model
    assert sweep.model.card().recipe.learning_rate == sweep.best.params["learning_rate"]
    ended = [event.data.number for event in events if event.kind == "trial" and event.data.value]
    assert ended == [0, 1]
    assert events[-1].final
    assert client.job(sweep.id).wait().record.kind == "sweep"

    async def go():
        async with stepbox.AsyncClient(server.url) as client:
            sweep = await client.sweep(space, **options, final=False)
            events = [event async for event in sweep.events()]
            assert [sweep.status, len(sweep.trials)] == ["succeeded", 2]
            return events[-1], await sweep.wait(progress=False)

    last, again = asyncio.run(go())
    assert last.data.status == "succeeded"
    assert [trial.value for trial in again.trials] == [trial.value for trial in sweep.trials]
    with pytest.raises(ConflictError, match=f"<AsyncSweep {again.id}: succeeded> has no model"):
        _ = again.model


def test_a_sweep_is_cancelled_with_its_trials(client):
    sweep = client.sweep({"batch_size": {"choices": [32, 64]}}, **LONG)
    assert sweep.refresh().status in ("queued", "running")
    with pytest.raises(JobTimeoutError, match="has not ended in 0 s, and goes on"):
        sweep.wait(timeout=0)
    assert sweep.cancel() is sweep
    with pytest.raises(JobCancelledError, match="was cancelled") as caught:
        sweep.wait()
    assert caught.value.record.search.trials == 20


def test_events_resume_after_any_of_them(client, moons):
    events = list(moons.events())
    ids = [event.id for event in events]
    assert len({*ids}) == len(ids) > 4
    assert events[-1].final
    assert [event.id for event in moons.events(ids[2])] == ids[3:]
    assert list(moons.events(ids[-1])) == []


def test_a_stream_that_breaks_has_no_gap_and_no_repetition(server, relay):
    with Client(relay.url) as client:
        job = client.train("mnist-numpy", epochs=3, hidden_sizes=[4])
        events = []
        for event in job.events():
            events.append(event)
            if len(events) % 5 == 0:
                relay.break_off()
                relay.mend()
        assert [event.id for event in events] == [event.id for event in job.events()]
        assert [event.data.epoch for event in events if event.kind == "epoch"] == [0, 1, 2, 3]


def test_a_submission_whose_answer_is_lost_is_one_job(client, relay):
    before = {job.id for job in client.jobs.list(limit=100).jobs}
    with Client(relay.url) as lossy:
        for submit in (
            lambda: lossy.train(**MOONS, title="Lost"),
            lambda: lossy.upload(IRIS.encode(), name="lost"),
        ):
            relay.to_lose = 2
            job = submit()
            assert relay.to_lose == 0
            new = {job.id for job in client.jobs.list(limit=100).jobs} - before
            assert new == {job.id}
            before |= new
            job.wait()


def test_what_is_not_idempotent_is_not_repeated(relay, long_job):
    with Client(relay.url) as lossy:
        relay.to_lose = 1
        with pytest.raises(UnreachableError, match=r"127\.0\.0\.1"):
            lossy.jobs.cancel(long_job.id)
        assert relay.to_lose == 0
    with pytest.raises(JobCancelledError):
        long_job.wait()  # it has arrived


@pytest.mark.parametrize(
    ("ask", "kind", "counterpart", "status"),
    [
        (lambda client: client.jobs.get("0" * 16), MissingError, NotFoundError, 404),
        (lambda client: client.v1.model("nothing"), MissingError, NotFoundError, 404),
        (lambda client: client.train(epochs=0), InvalidRequestError, InvalidInputError, 422),
        (lambda client: client.predicting.predict(b"?"), ProblemError, StepboxError, 415),
    ],
)
def test_errors_have_the_problem(client, ask, kind, counterpart, status):
    with pytest.raises(counterpart) as caught:
        ask(client)
    error = caught.value
    assert type(error) is kind
    assert error.status == status
    assert str(error)
    assert isinstance(error, ClientError)
    assert error.request_id
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.problem) == (kind, str(error), error.problem)


def test_an_invalid_request_names_all_faults(client):
    with pytest.raises(InvalidRequestError, match="/epochs: ") as caught:
        client.train(epochs=0, learning_rate=-1, typo=1)
    assert {fault.pointer for fault in caught.value.faults} == {
        "/epochs",
        "/learning_rate",
        "/typo",
    }


def test_the_state_of_a_job_can_forbid_it(client, moons):
    with pytest.raises(ConflictError) as caught:
        moons.cancel()
    assert isinstance(caught.value, WrongStateError)


def test_a_file_is_written_completely_or_not_at_all(client, moons, relay, tmp_path):
    target = tmp_path / "weights.safetensors"
    assert client.download(target, client.models.weights, moons.model.ref) == target
    assert target.read_bytes() == client.models.weights(moons.model.ref)
    with pytest.raises(MissingError):
        client.download(tmp_path / "none", client.models.weights, "none")
    assert [*tmp_path.iterdir()] == [target]


def test_a_suffix_names_the_format_of_the_file(client, digits, tmp_path):
    ref, models = digits.model.ref, client.models
    (tmp_path / "kept.npz").write_text("as before")
    for wrong, operation, options, right in (
        (".npz", models.export, {}, ".onnx"),
        (".onnx", models.export, {"format": "torch"}, ".zip"),
        (".safetensors", models.export, {"format": "npz"}, ".npz"),
        (".ZIP", models.weights, {}, ".safetensors"),
        (".jpg", models.first_layer_picture, {}, ".png"),
    ):
        expected = rf"^/path: must end in \{right}, .* not in \{wrong};"
        with pytest.raises(InvalidInputError, match=expected):
            client.download(tmp_path / f"kept{wrong}", operation, ref, **options)
        assert [one.read_text() for one in tmp_path.iterdir()] == ["as before"]
        for other in (f"b{right.upper()}", "b", "b.bin"):
            path = client.download(tmp_path / other, operation, ref, **options)
            assert path.read_bytes() == operation(ref, **options)
            path.unlink()


def test_a_suffix_names_the_format_of_the_file_with_asyncio(server, moons, tmp_path):
    async def go():
        async with stepbox.AsyncClient(server.url) as client:
            with pytest.raises(InvalidInputError, match=r"/path: must end in \.safetensors"):
                await client.download(tmp_path / "a.npz", client.models.weights, moons.model.ref)

    asyncio.run(go())
    assert not [*tmp_path.iterdir()]


def test_a_file_that_cannot_be_written_is_named(client, moons, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for path, kind in ((tmp_path / "none" / "x", FileNotFoundError), (folder, IsADirectoryError)):
        with pytest.raises(kind) as caught:
            client.download(path, client.models.weights, moons.model.ref)
        assert caught.value.filename == str(path)
        assert str(caught.value).endswith(f"'{path}'")
    assert [*tmp_path.iterdir()] == [folder]


def test_a_server_that_does_not_answer(tmp_path):
    with (
        Client(f"http://127.0.0.1:{free_port()}", retries=1) as client,
        pytest.raises(UnreachableError, match=r"http://127.0.0.1:\d+: .*refused"),
    ):
        client.system.live()


def test_events_go_on_after_a_restart_of_the_api(own_stack):
    own_stack.start_redis()
    own_stack.start_worker()
    service = own_stack.start_service()
    with Client(own_stack.url) as client:
        job = client.train("mnist-numpy", epochs=4, hidden_sizes=[4])
        events, restarted = [], False
        for event in job.events():
            events.append(event)
            if event.kind == "epoch" and not restarted:
                restarted = True
                service.kill_group()
                own_stack.start_service()
        assert [event.id for event in events] == [event.id for event in job.events()]
        assert [event.data.epoch for event in events if event.kind == "epoch"] == [0, 1, 2, 3, 4]
        assert job.status == "succeeded"


def test_asyncio_goes_on_after_a_restart_of_the_api(own_stack):
    own_stack.start_redis()
    own_stack.start_worker()
    service = own_stack.start_service()

    async def go():
        ids, restarted = [], False
        async with stepbox.AsyncClient(own_stack.url) as client:
            job = await client.train("mnist-numpy", epochs=3, hidden_sizes=[4])
            async with aclosing(job.events()) as events:
                async for event in events:
                    ids.append(event.id)
                    if event.kind == "epoch" and not restarted:
                        restarted = True
                        service.kill_group()
                        await asyncio.to_thread(own_stack.start_service)
            return ids, [event.id async for event in job.events()], await job.wait()

    ids, again, job = asyncio.run(go())
    assert ids == again
    assert job.status == "succeeded"


def test_tokens_and_a_queue_without_redis(own_stack, monkeypatch):
    read, write = "r" * 16, "w" * 16
    own_stack.environment["STEPBOX_TOKENS"] = f"read:{read},write:{write}"
    redis = own_stack.start_redis()
    own_stack.start_service()
    monkeypatch.setenv("STEPBOX_URL", own_stack.url)
    with Client(token="?") as client, pytest.raises(AccessDeniedError) as caught:
        client.jobs.list()
    assert caught.value.status == 401
    monkeypatch.setenv("STEPBOX_TOKEN", read)
    with Client(retries=0) as client:
        assert client.system.access().scope == "read"
        with pytest.raises(AccessDeniedError) as caught:
            client.train()
        assert caught.value.status == 403
        redis.kill_group()
        with pytest.raises(BusyError) as caught:
            client.jobs.list()
        assert caught.value.status == 503

    def is_ready():
        try:
            return client.system.ready(exclude=["worker"]).status == "ready"
        except BusyError:
            return False

    with Client(token=write) as client:
        own_stack.start_redis()
        wait_until(is_ready)
        assert client.train().cancel().status == "cancelled"
