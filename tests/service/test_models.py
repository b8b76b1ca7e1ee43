import hashlib

import pytest
from safetensors.numpy import load

from tests.problems import check_problem, pointers
from tests.service.conftest import publish


def test_models_come_newest_first(client, backend):
    ids = [publish(backend)[0] for _ in range(3)]
    assert [card["id"] for card in client.get("/models").json["models"]] == ids[::-1]


def pages(client, limit):
    """Follow all pages. Return the ids of each page: intact models, then damaged ones."""
    found, after = [], ""
    while after is not None:
        page = client.get(f"/models?limit={limit}{after and f'&after={after}'}").json
        found.append([one["id"] for one in (*page["models"], *page["damaged"])])
        after = page["next"]
    return found


def test_the_list_is_paginated(client, backend):
    ids = [publish(backend)[0] for _ in range(5)][::-1]
    (backend.settings.models_dir / ids[2] / "weights.safetensors").write_bytes(b"")
    assert pages(client, 2) == [ids[:2], [ids[3], ids[2]], ids[4:]]
    assert pages(client, 5) == [[*ids[:2], *ids[3:], ids[2]]]
    page = client.get("/models?limit=2").json
    client.delete(f"/models/{ids[1]}")  # the model that the cursor names
    newer, _ = publish(backend)
    rest = client.get(f"/models?after={page['next']}").json
    assert [card["id"] for card in rest["models"]] == ids[3:]
    assert (rest["damaged"][0]["id"], rest["next"]) == (ids[2], None)
    assert pages(client, 1)[0] == [newer]


def test_models_with_unreadable_cards_come_last(client, backend):
    ids = [publish(backend)[0] for _ in range(3)][::-1]
    for model_id in ids[:2]:
        (backend.settings.models_dir / model_id / "card.json").write_text("{}")
    assert pages(client, 1) == [[ids[2]], *([one] for one in sorted(ids[:2], reverse=True))]


def test_a_page_reads_only_the_weights_of_its_models(client, backend, opened):
    ids = [publish(backend)[0] for _ in range(4)][::-1]
    opened(backend.settings.models_dir)
    client.get("/models?limit=1")
    weights = {path for path in opened(backend.settings.models_dir) if "weights" in path}
    assert weights == {f"{ids[0]}/weights.safetensors"}


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "after=", "after=latest", "after=m-000000000000", "page=2"]
)
def test_invalid_queries_are_rejected(client, model, query):
    body = check_problem(client.get(f"/models?{query}"), 422)
    assert pointers(body) == [f"/{query.partition('=')[0]}"]


def test_a_card_has_all_its_fields(client, model):
    id, _ = model
    card = client.get(f"/models/{id}").json
    assert card.keys() >= {
        "id", "job", "recipe", "dataset", "classes", "parameters", "history", "evaluation",
        "weights", "device", "versions", "created_at",
    }  # fmt: skip
    assert card["recipe"]["name"] == "mnist-numpy"
    assert card["parameters"] == 784 * 32 + 32 + 32 * 32 + 32 + 32 * 10 + 10
    matrix = card["evaluation"]["confusion_matrix"]
    assert sum(map(sum, matrix)) == 10_000
    assert card["evaluation"]["accuracy"] == sum(matrix[i][i] for i in range(10)) / 10_000 == 0.101
    assert card["versions"].keys() == {
        *("python", "numpy", "torch", "numba", "llvmlite", "libc", "stepbox"),
    }


def test_an_unchanged_card_is_304(client, model):
    id, _ = model
    etag = client.get(f"/models/{id}").headers["ETag"]
    gzipped = client.get("/models/latest", headers={"Accept-Encoding": "gzip"})
    assert gzipped.headers["ETag"] == etag
    for known in (etag, f'"other", {etag}', "*"):
        again = client.get("/models/latest", headers={"If-None-Match": known})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == etag
    assert client.get(f"/models/{id}", headers={"If-None-Match": '"other"'}).json["id"] == id


def test_another_card_has_another_etag(client, backend):
    publish(backend)
    etag = client.get("/models/latest").headers["ETag"]
    newer, _ = publish(backend)
    answer = client.get("/models/latest", headers={"If-None-Match": etag})
    assert (answer.status_code, answer.json["id"]) == (200, newer)


def test_weights_are_served_with_their_checksum(client, model):
    id, network = model
    with client.get("/models/latest/weights") as answer:
        sha256 = hashlib.sha256(answer.data).hexdigest()
        assert answer.headers["ETag"] == f'"{sha256}"'
        tensors = load(answer.data)
    assert client.get(f"/models/{id}").json["weights"]["sha256"] == sha256
    assert sorted(tensors) == ["0.bias", "0.weight", "1.bias", "1.weight", "2.bias", "2.weight"]
    assert (tensors["0.weight"] == network.layers[0].weights).all()
    with client.get(f"/models/{id}/weights", headers={"If-None-Match": f'"{sha256}"'}) as again:
        assert (again.status_code, again.data) == (304, b"")


def test_a_model_with_an_alias_cannot_be_deleted(client, model):
    id, _ = model
    assert client.put("/aliases/best", json={"model": id}).json == {
        "aliases": {"best": id},
        "computed": {"latest": id, "latest-mnist": id},
    }
    assert "best" in check_problem(client.delete(f"/models/{id}"), 409)["detail"]
    assert client.get("/models/best").json["id"] == id
    assert client.delete("/aliases/best").status_code == 204
    assert client.delete(f"/models/{id}").status_code == 204
    check_problem(client.get(f"/models/{id}"), 404)
    check_problem(client.delete(f"/models/{id}"), 404)
    assert client.get("/aliases").json == {"aliases": {}, "computed": {}}


def test_a_latest_name_never_blocks_a_delete(client, backend):
    older, newer = publish(backend)[0], publish(backend)[0]
    assert client.get("/models/latest").json["id"] == newer
    assert client.delete(f"/models/{newer}").status_code == 204
    assert client.get("/models/latest").json["id"] == older


def test_invalid_aliases_are_rejected(client, model):
    id, _ = model
    for name in ("latest", "latest-mnist", id, "Über", "a" * 64):
        check_problem(client.put(f"/aliases/{name}", json={"model": id}), 422)
    for body in ({}, {"model": "m-000000000000"}, {"model": 5}, {"model": id, "more": 1}):
        check_problem(client.put("/aliases/good", json=body), 422)


def test_a_damaged_model_is_listed_but_never_served(client, backend):
    whole, damaged = publish(backend)[0], publish(backend)[0]
    weights = backend.settings.models_dir / damaged / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8] + b"\0" * 8)
    listed = client.get("/models").json
    assert [card["id"] for card in listed["models"]] == [whole]
    assert [one["id"] for one in listed["damaged"]] == [damaged]
    check_problem(client.get(f"/models/{damaged}/weights"), 409)
    assert client.get("/models/latest").json["id"] == whole
