"""The gate and the history of an alias."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from stepbox.errors import (
    ConflictError,
    DamagedModelError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)
from stepbox.store.alias_record import (
    MOST_SETTINGS,
    AliasRecord,
    AliasRecords,
    AliasSetting,
    Gate,
    GateFigures,
)
from stepbox.store.aliases import Aliases
from stepbox.store.models import ModelStore
from tests.stepbox.store.test_models import add

STRICT, LAX = Gate(min_accuracy=0.9), Gate(min_accuracy=0.1, max_calibration_error=0.5)
FIGURES = GateFigures(dataset="mnist", samples=10, accuracy=0.5, expected_calibration_error=0.1)


@pytest.fixture
def models(store):
    """Four models, oldest first."""
    return [add(store) for _ in range(4)]


def named(store, name="best"):
    """Return the models of an alias's history by their indices; the last one is what it names."""
    state = store.alias(name)
    assert store.aliases()[name] == state.model == state.record.history[-1].model
    return [setting.model for setting in state.record.history]


def test_each_setting_is_kept(store, models):
    store.set_alias("best", models[0], set_by="alice", judge=lambda gate: FIGURES)
    store.set_alias("best", models[1])
    model, record = store.alias("best")
    assert (model, record.gate) == (models[1], None)
    first, second = record.history
    assert (first.model, first.action, first.set_by, first.figures) == (
        models[0], "set", "alice", FIGURES,
    )  # fmt: skip
    assert (second.model, second.set_by, second.figures) == (models[1], None, None)
    assert first.number < second.number
    assert first.set_at <= second.set_at
    assert ModelStore(store._objects).alias("best") == store.alias("best")  # as another process


def test_a_gate_stays_until_it_is_changed(store, models):
    asked = []

    def judge(gate):
        asked.append(gate)

    store.set_alias("best", models[0], gate=STRICT, judge=judge)
    store.set_alias("best", models[1], judge=judge)
    store.set_alias("best", models[1], gate=LAX, judge=judge)
    store.set_alias("other", models[1], judge=judge)
    assert asked == [STRICT, STRICT, LAX, None]
    assert store.alias("best").record.gate == LAX
    store.roll_back("best")
    assert (store.alias("best").model, store.alias("best").record.gate) == (models[0], LAX)
    store.set_alias("best", models[2], gate=None, judge=judge)
    assert (asked[-1], store.alias("best").record.gate) == (None, None)


def test_a_model_that_is_refused_changes_nothing(store, models):
    def refuse(gate):
        raise ConflictError("no")

    with pytest.raises(ConflictError, match="no"):
        store.set_alias("best", models[0], judge=refuse)
    assert store.aliases() == {}
    store.set_alias("best", models[0], gate=STRICT)
    before = store.alias("best")
    for gate in ("as before", LAX, None):
        with pytest.raises(ConflictError, match="no"):
            store.set_alias("best", models[1], gate=gate, judge=refuse)
    assert store.alias("best") == before


def test_what_cannot_be_set_is_not_judged(store, models):
    judged = []
    for name, model in (("latest", models[0]), ("best", "m-000000000000")):
        with pytest.raises(InvalidInputError):
            store.set_alias(name, model, judge=judged.append)
    assert judged == []


def test_a_gate_that_is_changed_meanwhile_is_checked_as_well(store, models):
    store.set_alias("best", models[0], gate=LAX)
    asked = []

    def judge(gate):
        asked.append(gate)
        if len(asked) == 1:
            store.set_alias("best", models[1], gate=STRICT)

    store.set_alias("best", models[2], judge=judge)
    assert asked == [LAX, STRICT]
    assert store.alias("best").record.gate == STRICT
    assert named(store) == models[:3]


def test_rollbacks_go_back_one_model_after_the_other(store, models):
    for model in models:
        store.set_alias("best", model)
    back = []
    for _ in range(3):
        store.roll_back("best", set_by="bob")
        back.append(store.alias("best").model)
    assert back == models[2::-1]
    with pytest.raises(ConflictError, match="no other model before"):
        store.roll_back("best")
    history = store.alias("best").record.history
    assert [setting.model for setting in history] == [*models, *models[2::-1]]
    assert [setting.restores for setting in history[4:]] == [
        setting.number for setting in history[2::-1]
    ]
    assert {(one.action, one.set_by) for one in history[4:]} == {("rollback", "bob")}


def test_a_setting_after_a_rollback_is_undone_first(store, models):
    first, second, third, _ = models
    for model in (first, second):
        store.set_alias("best", model)
    store.roll_back("best")
    store.set_alias("best", third)
    store.set_alias("best", third, gate=LAX)  # the same model again
    store.roll_back("best")
    assert store.alias("best").model == first
    with pytest.raises(ConflictError):
        store.roll_back("best")


def test_a_rollback_skips_models_that_were_deleted(store, models):
    for model in models[:3]:
        store.set_alias("best", model)
    store.delete(models[1])
    store.roll_back("best")
    assert store.alias("best").model == models[0]
    with pytest.raises(ConflictError, match="has the alias best"):
        store.delete(models[0])
    store.set_alias("alone", models[3])
    with pytest.raises(ConflictError):
        store.roll_back("alone")
    with pytest.raises(NotFoundError):
        store.roll_back("nobody")


def test_the_history_is_bounded(store):
    models = [f"m-{number:012x}" for number in range(MOST_SETTINGS + 5)]
    record = AliasRecord()
    for model in models:
        record = record.followed_by(AliasSetting(number=0, model=model))
    assert [setting.model for setting in record.history] == models[5:]
    back = []
    while found := record.before(lambda model: True):
        back.append(found.model)
        record = record.followed_by(
            AliasSetting(number=0, model=found.model, action="rollback", restores=found.number)
        )
    # Each rollback is a setting, too, and the oldest one is dropped for it.
    assert back == models[-2 : -2 - MOST_SETTINGS // 2 : -1]


def test_settings_at_the_same_time_are_all_kept(store, models):
    others = [ModelStore(store._objects) for _ in models]
    start = threading.Barrier(len(models))

    def set_alias(other, model):
        start.wait()
        other.set_alias("best", model, set_by=model)

    with ThreadPoolExecutor(len(models)) as pool:
        list(pool.map(set_alias, others, models))
    history = store.alias("best").record.history
    assert {setting.model for setting in history} == {*models}
    assert all(setting.set_by == setting.model for setting in history)
    assert [setting.number for setting in history] == [0, 1, 2, 3]
    assert len(AliasRecords(store._objects).keys("best")) == 1


def test_an_alias_of_a_version_without_history(store, models):
    aliases = Aliases(store._objects)
    aliases.update(lambda all: all.update(best=models[0]))
    model, record = store.alias("best")
    assert (model, record.gate) == (models[0], None)
    assert [(one.model, one.set_at) for one in record.history] == [(models[0], None)]
    store.set_alias("best", models[1], gate=LAX)
    aliases.update(lambda all: all.update(best=models[2]))  # as an older process does
    assert named(store) == models[:3]
    assert store.alias("best").record.gate == LAX
    store.roll_back("best")
    assert named(store) == [*models[:3], models[1]]


def test_a_setting_that_was_killed_before_the_alias_has_changed_does_not_count(store, models):
    store.set_alias("best", models[0], gate=LAX)
    records = AliasRecords(store._objects)
    setting = AliasSetting(number=0, model=models[1])
    records.write("best", AliasRecord(gate=STRICT).followed_by(setting))
    assert (named(store), store.alias("best").record.gate) == ([models[0]], LAX)
    store.set_alias("best", models[2])
    assert named(store) == [models[0], models[2]]
    assert len(records.keys("best")) == 1


def test_an_alias_that_has_moved_despite_an_error_has_its_gate(store, models, monkeypatch):
    """As in a bucket that has stored the aliases, and whose answer came too late."""
    store.set_alias("best", models[0], gate=LAX)
    update = store._objects.update

    def update_and_fail(*arguments):
        update(*arguments)
        raise UnavailableError("it does not answer", "aliases.json")

    monkeypatch.setattr(store._objects, "update", update_and_fail)
    with pytest.raises(UnavailableError):
        store.set_alias("best", models[1], gate=STRICT)
    monkeypatch.undo()
    assert (named(store), store.alias("best").record.gate) == (models[:2], STRICT)
    store.set_alias("best", models[1])
    assert named(store) == [*models[:2], models[1]]
    assert len(AliasRecords(store._objects).keys("best")) == 1


def test_what_is_removed_with_an_alias_is_nothing_newer(store, models, monkeypatch):
    store.set_alias("best", models[0], gate=STRICT)
    update = store._objects.update

    def update_before_others(*arguments):
        update(*arguments)
        monkeypatch.undo()
        ModelStore(store._objects).set_alias("best", models[1], gate=LAX)

    monkeypatch.setattr(store._objects, "update", update_before_others)
    store.remove_alias("best")
    assert (named(store), store.alias("best").record.gate) == ([models[1]], LAX)


def test_an_alias_that_is_removed_leaves_nothing(store, models):
    store.set_alias("best", models[0], gate=STRICT)
    store.remove_alias("best")
    records = AliasRecords(store._objects)
    assert records.keys("best") == []
    for ask in (store.alias, store.remove_alias, store.roll_back):
        with pytest.raises(NotFoundError):
            ask("best")
    records.write(
        "best", AliasRecord(gate=STRICT).followed_by(AliasSetting(number=0, model=models[0]))
    )
    store.set_alias("best", models[1])
    assert (named(store), store.alias("best").record.gate) == ([models[1]], None)


def test_names_that_look_like_documents(store, models):
    for name in ("card.json", "aliases.json", "a..b"):
        for model in models[:2]:
            store.set_alias(name, model, gate=LAX)
        store.roll_back(name)
        assert named(store, name) == [*models[:2], models[0]]
        assert store.alias(name).record.gate == LAX


def test_a_damaged_record_is_named(store, models):
    store.set_alias("best", models[0], gate=STRICT)
    (key,) = AliasRecords(store._objects).keys("best")
    store._objects.put(key, b"{")
    for ask in (store.alias, lambda name: store.set_alias(name, models[1]), store.roll_back):
        with pytest.raises(DamagedModelError, match="is not a record"):
            ask("best")
    assert store.card("best").id == models[0]  # it still names its model
    store.remove_alias("best")
    store.set_alias("best", models[1])


def test_a_record_of_a_later_version_is_read(store, models):
    store.set_alias("best", models[0], gate=STRICT)
    (key,) = AliasRecords(store._objects).keys("best")
    record = json.loads(store._objects.get(key, 10**6))
    record["more"] = record["gate"]["more"] = record["history"][0]["more"] = 1
    store._objects.put(key, json.dumps(record).encode())
    assert store.alias("best").record.gate == STRICT


def test_owners_see_settings_of_their_own_models(store):
    mine, yours = add(store, submitted_by="alice"), add(store, submitted_by="bob")
    shared = add(store)
    for model, who in ((yours, "bob"), (shared, "admin"), (mine, "alice")):
        store.set_alias("best", model, set_by=who)
    history = store.seen_by("alice").alias("best").record.history
    assert [(one.model, one.set_by) for one in history] == [(shared, None), (mine, "alice")]
    with pytest.raises(NotFoundError):
        store.seen_by("bob").alias("best")
    store.seen_by("alice").set_alias("best", mine, set_by="alice")
    assert len(store.alias("best").record.history) == 4
