import pytest
from playwright.sync_api import expect

from tests.browser.browser import Watched, chromium
from tests.processes import PATIENCE_S

expect.set_options(timeout=1000 * PATIENCE_S)


@pytest.fixture(scope="session")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def models(stack):
    """Train a model on each data set; return their ids by data set."""
    digits = stack.train(recipe="mnist-numpy", epochs=1)
    clothes = stack.train(recipe="fashion-mnist-torch", epochs=3)
    return {
        "mnist": stack.wait_for(digits["id"])["model"],
        "fashion-mnist": stack.wait_for(clothes["id"])["model"],
    }


@pytest.fixture
def visit(browser):
    """Open pages; check at the end that they had no errors and sent no request to another host."""
    opened = []

    def visit(url, path, **options):
        watched = Watched(browser, url, **options)
        opened.append(watched)
        watched.open(path)
        return watched

    yield visit
    for watched in opened:
        watched.close()
    assert [fault for watched in opened for fault in watched.faults] == []


@pytest.fixture
def open_page(visit, stack, models):
    """Open a page of the shared installation, which has models."""
    return lambda path, **options: visit(stack.url, path, **options).page
