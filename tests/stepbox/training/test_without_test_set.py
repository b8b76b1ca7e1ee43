"""Trainings that are only validated, as the trials of a sweep are."""

import pytest

from stepbox.data.plane import GeneratedData
from stepbox.errors import DivergedError
from stepbox.training.live import LiveFigures
from stepbox.training.loop import make_trainer, train
from stepbox.training.presets import RECIPES
from stepbox.training.report import Frame, HistoryEntry

SPLITS = GeneratedData(generate="spiral", noise=0.05).splits()
TEST_FIGURES = (
    *("test_loss", "test_accuracy", "test_balanced_accuracy", "test_macro_f1"),
    "test_top5_accuracy",
)


def run(test_set, **changes):
    spec = SPLITS["train"].spec
    fields = {"dataset": spec.id, "validation": 0.2, "epochs": 2, **changes}
    trainer = make_trainer(RECIPES["playground"].changed(**fields), SPLITS["train"])
    return trainer, list(train(trainer, test_set))


def test_nothing_but_the_test_figures_is_missing():
    tested, with_test_set = run(SPLITS["test"])
    trained, events = run(None)
    for name, array in tested.parameters().items():
        assert array.tobytes() == trained.parameters()[name].tobytes()
    assert (trained.evaluation, trained.predictions) == (None, None)
    assert LiveFigures.of(trained) is None
    assert any(isinstance(event, Frame) for event in with_test_set)
    assert not any(isinstance(event, Frame) for event in events)
    entries = [event for event in events if isinstance(event, HistoryEntry)]
    complete = [event for event in with_test_set if isinstance(event, HistoryEntry)]
    unset = dict.fromkeys(TEST_FIGURES)
    # The sum of the losses stops at each frame, so its last bit may differ.
    timed = {"seconds", "train_loss"}
    assert [entry.model_dump(exclude=timed) for entry in entries] == [
        entry.model_dump(exclude=timed) | unset for entry in complete
    ]


def test_a_training_that_is_only_validated_can_diverge():
    with pytest.raises(DivergedError):
        run(None, hidden_sizes=(64, 64, 64), activation="relu", learning_rate=10.0)


def test_a_training_that_is_only_validated_can_stop_early():
    trainer, _ = run(None, early_stopping=1, epochs=300, learning_rate=1.0)
    assert trainer.epochs_done < 300
