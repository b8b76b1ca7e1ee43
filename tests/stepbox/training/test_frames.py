"""The frames of a training: at which steps, and what is in them."""

import base64

import numpy as np
import pytest

from stepbox.data.plane import GeneratedData
from stepbox.errors import DivergedError
from stepbox.nn.losses import cross_entropy
from stepbox.training import frames
from stepbox.training.evaluation import dataset_logits
from stepbox.training.frames import MOST_FRAMES, frame_steps
from stepbox.training.loop import make_trainer, train
from stepbox.training.presets import RECIPES
from stepbox.training.report import Frame, HistoryEntry, LossEntry, Progress
from tests.stepbox.training.test_training import SMALL_RECIPES

SPIRAL = GeneratedData(generate="spiral").splits()
# More than a portion of 1,000 samples, and a last batch that is smaller
BLOBS = GeneratedData(generate="blobs", samples=1801).splits()
RECIPE = RECIPES["playground"].changed(epochs=4, hidden_sizes=(5, 4))


def trainer_of(splits, **changes):
    return make_trainer(RECIPE.changed(**changes).fitted(splits["train"].spec), splits["train"])


def frames_of(events):
    return [event for event in events if isinstance(event, Frame)]


def events_of(kind, events):
    """Return the figures of all events of a kind, except for the time."""
    return [
        event.model_dump(exclude={"seconds"}, exclude_none=True)
        for event in events
        if isinstance(event, kind)
    ]


def parameters_of(network):
    arrays = network.named_arrays().values()
    return np.concatenate([array.ravel() for array in arrays]).astype("<f4")


def decoded(frame):
    return np.frombuffer(base64.b64decode(frame.parameters), "<f4")


@pytest.mark.parametrize(
    ("changes", "steps"), [({"epochs": 1, "batch_size": 100}, 2), ({"epochs": 300}, 12_000)]
)
def test_frames_come_early_and_then_at_equal_distances_on_a_log_scale(changes, steps):
    found = frame_steps(trainer_of(SPIRAL, **changes))

    assert found[:6] == (0, 1, 2, 3, 4, 5)[: steps + 1]
    assert found[-1] == steps
    assert len(found) <= MOST_FRAMES
    if steps > 1000:
        logarithms = np.diff(np.log([step for step in found if step > 100]))
        np.testing.assert_allclose(logarithms, logarithms.mean(), rtol=0.1)


@pytest.mark.parametrize(
    "changes", [{}, {"gradient": "published", "batch_size": 1}, {"validation": 0.2}]
)
@pytest.mark.parametrize("splits", [SPIRAL, BLOBS], ids=["one portion", "two portions"])
def test_a_frame_has_the_network_after_its_step(splits, changes):
    trainer = trainer_of(splits, **changes)
    test_set = splits["test"]
    seen = []
    for event in train(trainer, test_set):
        if not isinstance(event, Frame):
            continue
        seen.append(event.step)
        network = trainer.network()
        assert event.step == trainer.next_step - 1
        np.testing.assert_array_equal(decoded(event), parameters_of(network))
        for name, data, chosen in (
            ("train", trainer.train_set, trainer.trained),
            ("test", test_set, None),
        ):
            logits = dataset_logits(network, data, "raw", chosen)
            labels = data.labels if chosen is None else data.labels[chosen]
            assert getattr(event, f"{name}_loss") == cross_entropy(logits, labels).mean()
            assert getattr(event, f"{name}_accuracy") == (logits.argmax(axis=1) == labels).mean()
    assert tuple(seen) == trainer.frame_steps


@pytest.mark.parametrize("splits", [SPIRAL, BLOBS], ids=["one portion", "two portions"])
def test_frames_change_nothing_else(splits):
    with_frames, without = trainer_of(splits), trainer_of(splits)
    without.frame_steps = ()
    events, others = (list(train(one, splits["test"])) for one in (with_frames, without))

    np.testing.assert_array_equal(
        parameters_of(with_frames.network()), parameters_of(without.network())
    )
    kinds = [
        [type(event) for event in run if not isinstance(event, Frame)] for run in (events, others)
    ]
    assert kinds[0] == kinds[1]
    for kind in (LossEntry, HistoryEntry):
        pairs = zip(*(events_of(kind, run) for run in (events, others)), strict=True)
        for one, other in pairs:
            assert one == pytest.approx(other, rel=1e-12)
    for name, array in with_frames.recorder.record().arrays().items():
        np.testing.assert_array_equal(array, without.recorder.record().arrays()[name])


@pytest.mark.parametrize("stop", [HistoryEntry, Progress])
def test_a_training_that_continues_has_the_same_frames(stop):
    whole = frames_of(train(trainer_of(BLOBS), BLOBS["test"]))
    for number in range(1, 4):
        first, second = trainer_of(BLOBS), trainer_of(BLOBS)
        seen, stops = [], 0
        for event in train(first, BLOBS["test"]):
            seen.append(event)
            stops += isinstance(event, stop)
            if stops == 2 * number:
                break
        second.restore(first.state())
        rest = frames_of(train(second, BLOBS["test"]))
        # A frame may come again, with the same content.
        assert {frame.step: frame for frame in [*frames_of(seen), *rest]} == {
            frame.step: frame for frame in whole
        }


def test_a_training_that_stops_early_ends_with_a_frame():
    trainer = trainer_of(SPIRAL, epochs=200, validation=0.2, early_stopping=2, learning_rate=0.5)
    found = frames_of(train(trainer, SPIRAL["test"]))
    assert trainer.epochs_done < 200
    np.testing.assert_array_equal(decoded(found[-1]), parameters_of(trainer.network()))


def test_only_small_trainings_in_the_plane_have_frames(few, monkeypatch):
    assert make_trainer(SMALL_RECIPES["numpy"], few(10)).frame_steps == ()
    assert trainer_of(SPIRAL, hidden_sizes=(16, 16, 16, 16)).frame_steps
    assert trainer_of(SPIRAL, hidden_sizes=(64, 64)).frame_steps == ()
    assert trainer_of(SPIRAL, engine="torch").frame_steps == ()
    monkeypatch.setattr(frames, "MOST_SAMPLES", 299)
    assert trainer_of(SPIRAL).frame_steps == ()


@pytest.mark.parametrize("value", [np.inf, np.nan, 1e200])
def test_a_training_whose_frame_is_not_finite_has_diverged(value):
    trainer = trainer_of(SPIRAL)
    events = train(trainer, SPIRAL["test"])
    while not isinstance(next(events), HistoryEntry):
        pass
    trainer.parameters()["0.weight"][0, 0] = value
    with pytest.raises(DivergedError, match="choose a smaller learning_rate"):
        list(events)
