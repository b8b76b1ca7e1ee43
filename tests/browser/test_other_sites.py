"""What a page of another site can do in the browser of someone who has an installation."""

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
    """A training that goes on until the tests are over."""
    id = stack.train(recipe="fashion-mnist-torch", epochs=1000)["id"]
    stack.wait_for(id, "running")
    yield id
    requests.post(f"{stack.url}/jobs/{id}/cancel", timeout=10)
    stack.wait_for(id)


@pytest.fixture
def attempts(job, models):
    """Requests that such a page may try."""
    return [
        ("/jobs", {}),
        (f"/models/{models['mnist']}/weights", {}),
        ("/train", {"method": "POST", "headers": JSON, "body": TRAINING}),
        (f"/jobs/{job}/cancel", {"method": "POST"}),
        (f"/models/{models['mnist']}", {"method": "DELETE"}),
    ]


@pytest.fixture
def page(browser, stack):
    """A page of another site, with a form; its name means the installation's address by now."""
    page = browser.new_page()
    url = f"http://{ELSEWHERE}:{stack.port}/page"
    form = "<form method='post'><button>Win</button></form>"
    page.route(url, lambda route: route.fulfill(body=form, content_type="text/html"))
    page.goto(url)
    page.unroute(url)  # with a route Playwright answers what CORS asks before a request
    yield page
    page.close()


@pytest.fixture(autouse=True)
def unchanged(stack, attempts):
    """Compare the jobs and the models after a test with those before it."""
    before = state(stack)
    yield
    assert state(stack) == before


def state(stack):
    jobs = requests.get(f"{stack.url}/jobs", timeout=10).json()["jobs"]
    models = requests.get(f"{stack.url}/models", timeout=10).json()["models"]
    return [(job["id"], job["status"]) for job in jobs], [model["id"] for model in models]


def test_a_name_that_comes_to_mean_this_machine_is_not_answered(page, attempts):
    for path, options in attempts:
        kind, status, text = page.evaluate(FETCH, [path, options])
        assert (kind, status) == ("basic", 421), path
        assert ELSEWHERE in text


@pytest.mark.parametrize("mode", ["cors", "no-cors"])
def test_requests_of_another_site_come_to_nothing(stack, page, attempts, mode):
    for path, options in attempts:
        answer = page.evaluate(FETCH, [stack.url + path, {**options, "mode": mode}])
        assert answer[:2] == ["error", 0], path


def test_a_form_of_another_site_is_refused(stack, page, job):
    url = f"{stack.url}/jobs/{job}/cancel"
    page.eval_on_selector("form", "(form, url) => (form.action = url)", url)
    with page.expect_response(url) as sent:
        page.click("button")
    assert sent.value.status == 403
