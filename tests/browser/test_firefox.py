"""The main paths in Firefox: train, look at the model, predict, and try the mathematics."""

import pytest
import requests

from tests.browser.firefox import firefox
from tests.processes import wait_until

RIGHT_ARROW = "\ue014"  # in WebDriver


@pytest.fixture(scope="module")
def window(stack, tmp_path_factory):
    with firefox(tmp_path_factory.mktemp("firefox"), stack.url) as window:
        yield window


@pytest.fixture(autouse=True)
def without_errors(window):
    yield
    assert window.errors() == []


def predicted(label):
    return f"document.querySelector('.bars .best .name')?.textContent === '{label}'"


def count(selector):
    return f"document.querySelectorAll('{selector}').length"


def test_train_and_look_at_the_model(window):
    window.open("/")
    window.wait_for(count("#now-chart svg"))
    window.click(".go [type=submit]")
    window.wait_for("location.pathname.startsWith('/ui/jobs/')")
    window.wait_for(count("#state .succeeded"))
    window.wait_for(count("#loss svg"))
    window.click("#actions a.first")
    window.wait_for("location.pathname.startsWith('/ui/models/')")
    assert window.wait_for(count(".confusion button")) == 100
    window.wait_for(count("#learned svg"))
    window.open("/ui/models")
    assert window.wait_for(count('#models a[href^="/ui/models/m-"]')) >= 1


def test_predict_a_drawing_and_a_file(window, stack, models, tmp_path):
    window.open(f"/ui/predict?models={models['mnist']}")
    window.click("#clear")
    window.draw("#board", [(0.5, 0.2), (0.5, 0.4), (0.5, 0.6), (0.5, 0.8)])
    window.wait_for(predicted("1"))
    seven = tmp_path / "seven.png"
    seven.write_bytes(requests.get(f"{stack.url}/datasets/mnist/test/0.png", timeout=10).content)
    window.type("#file", str(seven))
    window.wait_for(predicted("7"))


def test_move_a_slider_of_the_mathematics(window):
    window.open("/ui/mathematics")
    first = "document.querySelector('#jacobian tbody td')?.textContent"
    before = window.wait_for(first)
    window.type("#logits input", 3 * RIGHT_ARROW)
    window.wait_for(f"{first} !== {before!r}")
    window.wait_for(count("#boxes-plot svg"))


def test_other_pages_open(window):
    window.open("/ui/system")
    window.wait_for(count("main td"))
    window.command("WebDriver:Navigate", url=f"{window.url}/ui/none")
    assert "no such page" in window.evaluate("document.body.textContent")


def test_an_error_of_a_page_is_noticed(window):
    window.open("/ui/system")
    window.evaluate("setTimeout(() => { throw Error('for a test'); })")
    [(place, words)] = wait_until(window.errors)
    assert place.endswith("/ui/system")
    assert "for a test" in words
