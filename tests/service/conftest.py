import os
from functools import cache, partial
from pathlib import Path

import pytest

from service.app import create_app
from service.backend import Backend
from service.settings import ServiceSettings
from stepbox.data.builtin import DATASETS, load_dataset
from stepbox.nn.network import Network
from stepbox.store.card import CardDraft
from stepbox.store.models import ModelStore, new_model_id
from stepbox.training.evaluation import evaluate
from stepbox.training.presets import RECIPES
from tests.processes import ROOT, free_port

DATA = Path(os.environ.get("STEPBOX_DATA_DIR", ROOT / "data"))
test_set = cache(partial(load_dataset, split="test", folder=DATA))


@pytest.fixture(scope="session")
def shared_app(tmp_path_factory):
    """The API, created once for all tests, because creating it takes a tenth of a second."""
    return create_app(
        ServiceSettings(
            models_dir=tmp_path_factory.mktemp("none"),
            data_dir=DATA,
            redis_url=f"redis://127.0.0.1:{free_port()}/0",
            max_body_bytes=2**20,
        )
    )


@pytest.fixture
def app(shared_app, tmp_path):
    """The API without Redis and without models."""
    settings = shared_app.extensions["stepbox"].settings
    backend = Backend(
        settings.model_copy(
            update={"models_dir": tmp_path / "models", "datasets_dir": tmp_path / "datasets"}
        )
    )
    backend.dataset = test_set  # reads each data set once for all tests
    shared_app.extensions["stepbox"] = backend
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
        recipe.layers(DATASETS[recipe.dataset]), recipe.seed if seed is None else seed
    )
    return network, evaluate(network, test_set(recipe.dataset), recipe.pixel_scale)


def publish(backend, recipe="mnist-numpy", seed=None):
    """Publish an untrained network as a worker does; return the model's id and the network."""
    network, evaluation = untrained(recipe, seed)
    draft = CardDraft(
        id=new_model_id(),
        job="0123456789abcdef",
        recipe=RECIPES[recipe],
        dataset=DATASETS[RECIPES[recipe].dataset],
        history=[],
        evaluation=evaluation,
        device="cpu",
    )
    store = ModelStore(backend.settings.models_dir)
    store.stage(draft.id, draft, network, network)
    store.publish(draft.id, draft.id)
    return draft.id, network


@pytest.fixture
def model(backend):
    return publish(backend)
