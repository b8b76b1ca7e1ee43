import os

import pytest

from service.app import create_app
from service.settings import ServiceSettings
from stepbox.activations import ACTIVATIONS
from stepbox.card import CardDraft
from stepbox.evaluation import evaluate
from stepbox.model_store import ModelStore, new_model_id
from stepbox.network import Network
from stepbox.recipes import RECIPES
from tests.processes import ROOT, free_port


@pytest.fixture
def app(tmp_path):
    """The API alone: no Redis answers, and no model is there yet."""
    return create_app(
        ServiceSettings(
            models_dir=tmp_path / "models",
            data_dir=os.environ.get("STEPBOX_DATA_DIR", ROOT / "data"),
            redis_url=f"redis://127.0.0.1:{free_port()}/0",
            max_body_bytes=2**20,
        )
    )


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def parts(app):
    return app.extensions["stepbox"]


def publish(parts, recipe="mnist-numpy"):
    """Publish an untrained network, as a worker would; returns its id and itself."""
    recipe = RECIPES[recipe]
    network = Network.initial(recipe.layer_sizes, ACTIVATIONS[recipe.activation], recipe.seed)
    test_set = parts.dataset(recipe.dataset)
    draft = CardDraft(
        id=new_model_id(),
        job="0123456789abcdef",
        recipe=recipe,
        history=[],
        evaluation=evaluate(network, test_set, recipe.pixel_scale),
        device="cpu",
    )
    store = ModelStore(parts.settings.models_dir)
    store.stage(draft.id, draft, network, network)
    store.publish(draft.id, draft.id)
    return draft.id, network


@pytest.fixture
def model(parts):
    return publish(parts)
