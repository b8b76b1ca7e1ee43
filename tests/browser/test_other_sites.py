"""A page of another site, in the browser of someone who has an installation, can do no harm."""

import pytest
import requests

from tests.browser.browser import ELSEWHERE

FETCH = """([url, options]) => fetch(url, options).then(
    async (answer) => [answer.type, answer.status, await answer.text()],
    (error) => ['error', 0, error.message],
)"""
JSON = {"Content-Type": "application/json"}
TRAINING = '{"epochs": 1, "hidden_sizes": [2]}'


@pytest.fixture(scope="module")
def job(stack):
    """Run a training until the tests of this module end."""
    id = stack.train(recipe="fashion-mnist-torch", epochs=1000)["id"]
    stack.wait_for(id, "running")
    yield id
    requests.post(f"{stack.url}/jobs/{id}/cancel", timeout=10)
    stack.wait_for(id)


@pytest.fixture
def attempts(job, models):
    """List requests that such a page may try."""
    return [
        ("/jobs", {}),
        (f"/models/{models['mnist']}/weights", {}),
        ("/train", {"method": "POST", "headers": JSON, "body": TRAINING}),
        (f"/jobs/{job}/cancel", {"method": "POST"}),
        (f"/models/{models['mnist']}", {"method": "DELETE"}),
    ]


@pytest.fixture
def page(browser, stack):
    """Open a page with a form on another site, whose name resolves to the installation."""
    page = browser.new_page()
    url = f"http://{ELSEWHERE}:{stack.port}/page"
    form = "<form method='post'><button>Win</button></form>"
    page.route(url, lambda route: route.fulfill(body=form, content_type="text/html"))
    page.goto(url)
    page.unroute(url)  # with a route, Playwright itself would answer CORS preflight requests
    yield page
    page.close()


@pytest.fixture(autouse=True)
def unchanged(stack, attempts):
    """Check that a test changes no job and no model."""
    before = state(stack)
    yield
    assert state(stack) == before


def state(stack):
    jobs = requests.get(f"{stack.url}/jobs", timeout=10).json()["jobs"]
    models = requests.get(f"{stack.url}/models", timeout=10).json()["models"]
    return [(job["id"], job["status"]) for job in jobs], [model["id"] for model in models]


def test_requests_after_dns_rebinding_are_rejected(page, attempts):
    for path, options in attempts:
        kind, status, text = page.evaluate(FETCH, [path, options])
        assert (kind, status) == ("basic", 421), path
        assert ELSEWHERE in text


@pytest.mark.parametrize("mode", ["cors", "no-cors"])
def test_requests_from_another_site_fail(stack, page, attempts, mode):
    for path, options in attempts:
        answer = page.evaluate(FETCH, [stack.url + path, {**options, "mode": mode}])
        assert answer[:2] == ["error", 0], path


def test_a_form_on_another_site_is_rejected(stack, page, job):
    url = f"{stack.url}/jobs/{job}/cancel"
    page.eval_on_selector("form", "(form, url) => (form.action = url)", url)
    with page.expect_response(url) as sent:
        page.click("button")
    assert sent.value.status == 403
