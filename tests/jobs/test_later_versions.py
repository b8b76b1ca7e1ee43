"""Jobs and events of a later version: what this version does not know is left out."""

import json
import logging

import pytest

from jobs.events import parse_events, read_events, stream_key
from jobs.reader import history_key, losses_key
from stepbox.training.presets import RECIPES
from stepbox.training.requirements import Requirements
from tests.jobs.test_job_store import OWNER, PROGRESS, entry, submit
from tests.jobs.test_routing import beat


def change_recipe(jobs, id, **fields):
    recipe = json.loads(jobs.redis.hget(f"job:{id}", "recipe"))
    jobs.redis.hset(f"job:{id}", "recipe", json.dumps(recipe | fields))


def test_a_record_with_unknown_fields_is_read(jobs):
    id = submit(jobs).id
    jobs.redis.hset(f"job:{id}", mapping={"colour": "green", "progress": json.dumps(PROGRESS)})
    change_recipe(jobs, id, moustache=0.5)
    job = jobs.get(id)
    assert job.recipe == RECIPES["mnist-numpy"]
    assert "colour" not in job.to_json()
    assert jobs.page()[0][0].recipe == job.recipe


def test_unknown_requirements_are_left_out(jobs):
    requires = Requirements(device="cuda")
    recipe = RECIPES["fashion-mnist-torch"]
    id = jobs.submit(recipe, samples=60000, queue_limit=100, requires=requires).id
    later = json.dumps({"device": "cuda", "colour": "green"})
    jobs.redis.hset(f"job:{id}", "requires", later)
    assert jobs.get(id).waiting_for.code == "no-worker"
    assert [job.requires for job in jobs.page()[0]] == [requires]
    beat(jobs, "gpu", "cuda")
    assert jobs.claim(OWNER, "gpu").requires == requires


def test_longer_short_forms_are_read(jobs):
    id = submit(jobs).id
    claim = jobs.claim(OWNER, "w")
    jobs.report(claim, PROGRESS, entry(0))
    later = json.dumps([*json.loads(jobs.redis.lindex(history_key(id), 0)), "new", 7])
    jobs.redis.lset(history_key(id), 0, later)
    jobs.redis.rpush(losses_key(id), "[1000,0.5,8]")
    jobs.redis.xadd(stream_key(id), {"type": "epoch", "data": later})
    job = jobs.get(id)
    assert [one.model_dump() for one in job.history] == [entry(0)]
    assert [one.model_dump() for one in job.losses] == [{"samples": 1000, "train_loss": 0.5}]
    assert json.loads(read_events(jobs, id)[-1].data) == entry(0)


@pytest.mark.parametrize("fields", [{"type": "weather", "data": "[1]"}, {"type": "weather"}])
def test_an_event_of_an_unknown_type_is_skipped_and_passed(jobs, fields):
    id = submit(jobs).id
    unknown = jobs.redis.xadd(stream_key(id), fields)
    jobs.claim(OWNER, "w")
    queued, skipped, running = read_events(jobs, id)
    assert (skipped.id, skipped.data, skipped.final) == (unknown, "", False)
    assert [json.loads(one.data)["status"] for one in (queued, running)] == ["queued", "running"]
    assert read_events(jobs, id, after=unknown) == [running]


@pytest.mark.parametrize(("status", "final"), [("running", False), ("succeeded", True)])
def test_a_state_that_cannot_be_read_is_skipped_but_ends_the_stream(jobs, caplog, status, final):
    id = submit(jobs).id
    ((event_id, fields),) = jobs.redis.xrange(stream_key(id))
    flat = json.loads(fields["record"])
    record = dict(zip(flat[::2], flat[1::2], strict=True)) | {"kind": "dream", "status": status}
    fields["record"] = json.dumps([text for pair in record.items() for text in pair])
    with caplog.at_level(logging.WARNING):
        (event,) = parse_events([(event_id, fields)], [], "")
    assert (event.id, event.data, event.final) == (event_id, "", final)
    assert f"job {id}: its state cannot be read by this version" in caplog.text
