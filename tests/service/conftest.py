import io
import os
from datetime import timedelta
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.app import create_app
from service.backend import Backend
from service.settings import ServiceSettings
from stepbox.data.builtin import DATASETS, load_dataset
from stepbox.nn.network import Network
from stepbox.store.card import CardDraft
from stepbox.store.draft import describe
from stepbox.store.models import ModelStore, new_model_id
from stepbox.training.evaluation import evaluate
from stepbox.training.loop import make_trainer, train
from stepbox.training.presets import RECIPES
from tests.datasets import MADE, add_dataset
from tests.processes import ROOT, free_port

DATA = Path(os.environ.get("STEPBOX_DATA_DIR", ROOT / "data"))
load_builtin = cache(partial(load_dataset, folder=DATA))


def test_set(name):
    return load_builtin(name, "test")


@pytest.fixture(scope="session")
def settings_without_redis(tmp_path_factory):
    return ServiceSettings(
        models_dir=tmp_path_factory.mktemp("none"),
        data_dir=DATA,
        redis_url=f"redis://127.0.0.1:{free_port()}/0",
        max_body_bytes=2**20,
    )


@pytest.fixture(scope="session")
def shared_app(settings_without_redis):
    """The API, created once for all tests, because creating it takes a tenth of a second.

    Each test gives it stores of its own.
    """
    return create_app(settings_without_redis)


@pytest.fixture
def app(shared_app, settings_without_redis, tmp_path):
    """The API without Redis and without models."""
    folders = {"models_dir": tmp_path / "models", "datasets_dir": tmp_path / "datasets"}
    backend = Backend(settings_without_redis.model_copy(update=folders))
    backend._builtin = load_builtin  # reads each data set once for all tests
    shared_app.extensions["stepbox"] = backend
    return shared_app


@pytest.fixture
def app_with_jobs(shared_app, jobs):
    """The API with the Redis and the folders of `own_stack`, without models."""
    shared_app.extensions["stepbox"] = Backend(ServiceSettings())
    return shared_app


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def backend(app):
    return app.extensions["stepbox"]


@cache
def untrained(recipe, seed=None):
    """Make a recipe's untrained network, and evaluate it."""
    recipe = RECIPES[recipe]
    network = Network.initial(
        recipe.layer_specs(DATASETS[recipe.dataset]), recipe.seed if seed is None else seed
    )
    return network, evaluate(network, test_set(recipe.dataset), recipe.pixel_scale)


def publish(backend, recipe="mnist-numpy", seed=None, submitted_by=None):
    """Publish an untrained network as a worker does; return the model's id and the network."""
    network, evaluation = untrained(recipe, seed)
    recipe = RECIPES[recipe]
    spec = DATASETS[recipe.dataset]
    return _publish(backend, recipe, spec, network, evaluation, submitted_by=submitted_by)


def publish_on(backend, spec, splits, seed=0, change=lambda network: None, **changes):
    """Publish an untrained network of an uploaded data set; return the model's id and network.

    `change` is called with the network first.
    """
    changes = {"dataset": spec.key, "seed": seed, **changes}
    recipe = RECIPES["mnist-numpy"].changed(**changes).fitted(spec, changes)
    network = Network.initial(recipe.layer_specs(spec), seed)
    change(network)
    evaluation = evaluate(network, splits["test"], recipe.pixel_scale)
    return _publish(backend, recipe, spec, network, evaluation)


CONVOLUTIONS = [
    {"type": "convolution", "channels": 6, "kernel": 5, "padding": 1},
    {"type": "max-pool", "size": 2},
    {"type": "convolution", "channels": 8, "kernel": 3, "stride": 2},
    {"type": "max-pool", "size": 2, "stride": 1},
    {"type": "dense", "neurons": 12},
]


@cache
def trained_convolutions():
    """Train a small network on a few digits; return its recipe, and itself before and after."""
    recipe = RECIPES["mnist-numpy"].changed(
        layers=CONVOLUTIONS,
        activation="relu",
        initialization="he",
        epochs=1,
        standardize=True,
        single_precision=True,
    )
    trainer = make_trainer(recipe, load_builtin("mnist", "train")[:250])
    initial = trainer.network()
    for _ in train(trainer, test_set("mnist")[:100]):
        pass
    network = trainer.network()
    return recipe, initial, network, evaluate(network, test_set("mnist"), recipe.pixel_scale)


@pytest.fixture
def convolutions(backend):
    """Publish a trained network of convolutions; return its id and the network."""
    recipe, initial, network, evaluation = trained_convolutions()
    return _publish(backend, recipe, DATASETS["mnist"], network, evaluation, initial)


STEPPED = 1500  # digits that models with steps are trained on
STEPPED_RECIPE = RECIPES["mnist-numpy"].changed(epochs=2, hidden_sizes=(7, 6), shuffle=True)


@cache
def trained(recipe):
    """Train a recipe on a few digits; return the trainer and the untrained network."""
    trainer = make_trainer(recipe, load_builtin("mnist", "train")[:STEPPED])
    initial = trainer.network()
    list(train(trainer, load_builtin("mnist", "test")[:100]))
    return trainer, initial


@pytest.fixture
def publish_steps(backend, monkeypatch):
    """Return a function that publishes a model with its steps, as a worker does."""
    few = load_builtin("mnist", "train")[:STEPPED]
    monkeypatch.setattr(backend, "dataset", lambda reference, split: few)

    def publish(recipe, *, steps=True):
        trainer, initial = trained(recipe)
        test_set = load_builtin("mnist", "test")[:100]
        draft = describe(trainer, test_set, [], [], id=new_model_id(), job="0123456789abcdef")
        store = ModelStore(backend.settings.models_dir)
        record = trainer.recorder.record() if steps else None
        store.stage(draft.id, draft, trainer.network(), initial, record)
        store.publish(draft.id, draft.id)
        return draft.id

    return publish


@pytest.fixture
def vectors(backend):
    """Publish a model of vectors with its steps; return its id and the data set."""
    spec, splits = add_dataset(backend.datasets, "flowers", (4,), train=60)
    recipe = STEPPED_RECIPE.changed(dataset=spec.key).fitted(spec)
    trainer = make_trainer(recipe, splits["train"])
    initial = trainer.network()
    list(train(trainer, splits["test"]))
    draft = describe(trainer, splits["test"], [], [], id=new_model_id(), job="0123456789abcdef")
    store = ModelStore(backend.settings.models_dir)
    store.stage(draft.id, draft, trainer.network(), initial, trainer.recorder.record())
    store.publish(draft.id, draft.id)
    return draft.id, spec


def _publish(backend, recipe, spec, network, evaluation, initial=None, submitted_by=None):
    draft = CardDraft(
        id=new_model_id(),
        job="0123456789abcdef",
        recipe=recipe,
        dataset=spec,
        history=[],
        evaluation=evaluation,
        device="cpu",
        submitted_by=submitted_by,
    )
    store = ModelStore(backend.settings.models_dir)
    store.stage(draft.id, draft, network, initial or network)
    store.publish(draft.id, draft.id)
    return draft.id, network


@pytest.fixture
def model(backend):
    return publish(backend)


@pytest.fixture
def uploaded(backend):
    """Data sets as people upload them, by name: grey and color images, and vectors."""
    made = {"tiny": ((8, 8), 1), "flowers": ((4,), 2), "colors": ((16, 16, 3), 3)}
    columns = {"flowers": ("length", "width", "height", "weight")}
    return {
        name: add_dataset(
            backend.datasets,
            name,
            shape,
            columns=columns.get(name),
            created_at=MADE + timedelta(days=day),
        )
        for name, (shape, day) in made.items()
    }


def image_of(answer):
    """Decode the PNG file of a response."""
    assert (answer.status_code, answer.content_type) == (200, "image/png"), answer.text
    return np.array(Image.open(io.BytesIO(answer.data)))
