"""The labels in a model's card: the only part of a model that changes."""

import json

import pytest

from stepbox.errors import ConflictError, DamagedModelError, NotFoundError
from stepbox.store.models import ModelStore, new_model_id
from stepbox.training.labels import Labels
from tests.stepbox.store.test_models import add, make_draft, make_network, settle

LABELS = Labels(title="Wide", notes="“first”\nsecond", tags=("a", "b"))


def labels_of(card):
    return Labels(title=card.title, notes=card.notes, tags=card.tags)


def label(store, model_id, **changes):
    return store.label(model_id, changes, lambda card: None)


def test_a_model_is_published_with_the_labels_of_its_job(store):
    model_id = new_model_id()
    staged = store.stage("a", make_draft(model_id), make_network(1), make_network(0))
    assert labels_of(staged) == Labels()
    store.publish("a", model_id, LABELS)
    card = store.card(model_id)
    assert labels_of(card) == LABELS
    assert card.model_copy(update=dict(Labels())) == staged
    store.publish("a", model_id, LABELS)  # repeated by the next attempt
    assert store.card(model_id) == card


def test_other_processes_see_a_change(store, objects):
    model_id = add(store)
    other = ModelStore(objects)
    settle()
    before = other.card(model_id)
    loaded = other.load("latest")[1]
    assert other.card(model_id) is before  # from the cache
    assert label(store, model_id, title="New", tags=("a",)) == store.card(model_id)
    after = other.card("latest")
    assert labels_of(after) == Labels(title="New", tags=("a",))
    assert after.model_copy(update=dict(Labels())) == before
    card, network = other.load(model_id)
    assert card == after
    assert network.named_arrays().keys() == loaded.named_arrays().keys()
    assert other.page()[0][0].card == after


def test_a_change_keeps_what_this_version_does_not_know(store, objects):
    model_id = add(store)
    key = f"{model_id}/card.json"
    later = json.loads(objects.get(key, 2**20)) | {"later": {"field": [1e-7, "é"]}}
    objects.put(key, json.dumps(later).encode())
    label(store, model_id, notes="new")
    assert json.loads(objects.get(key, 2**20)) == later | {"notes": "new"}


def test_a_change_to_the_same_labels_writes_nothing(store, objects):
    model_id = add(store)
    label(store, model_id, title="Wide", tags=("a",))
    before = objects.versions([f"{model_id}/card.json"])
    label(store, model_id, title="Wide")
    label(store, model_id, tags=("a",))
    assert objects.versions([f"{model_id}/card.json"]) == before


def test_an_error_before_the_change_prevents_it(store):
    model_id = add(store)

    def refuse(card):
        assert card.id == model_id
        raise ConflictError("not now")

    with pytest.raises(ConflictError, match="not now"):
        store.label(model_id, {"title": "New"}, refuse)
    assert store.card(model_id).title is None


def test_only_a_whole_model_can_be_changed(store, objects):
    def fail(card):
        raise AssertionError

    for name in (new_model_id(), "latest", ".staged/a", "../models"):
        with pytest.raises(NotFoundError, match="there is no model"):
            store.label(name, {"title": "New"}, fail)
    damaged = add(store)
    objects.put(f"{damaged}/card.json", b"{}")
    with pytest.raises(DamagedModelError, match=r"card.json"):
        store.label(damaged, {"title": "New"}, fail)
    deleted = add(store)
    store.delete(deleted)
    with pytest.raises(NotFoundError):
        store.label(deleted, {"title": "New"}, fail)


def test_a_card_with_impossible_labels_is_damaged(store, objects):
    model_id = add(store)
    key = f"{model_id}/card.json"
    card = json.loads(objects.get(key, 2**20))
    objects.put(key, json.dumps(card | {"title": "x" * 81}).encode())
    with pytest.raises(DamagedModelError, match="title: must be 1 to 80 characters"):
        store.card(model_id)
