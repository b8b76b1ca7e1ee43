"""The pages of sweeps in a browser: start, watch, compare and cancel them."""

import re

import pytest
import requests
from playwright.sync_api import expect

from tests.processes import wait_until

RATES = {"low": 0.01, "high": 0.5, "log": True}
ENDED = re.compile(r"^succeeded: 4 of 4 trials have ended")


def start(stack, **fields):
    """Start a sweep on points of the plane; return its id."""
    body = {"recipe": "playground", "epochs": 2, "trials": 4, "space": {"learning_rate": RATES}}
    answer = requests.post(f"{stack.url}/sweeps", json=body | fields, timeout=60)
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def get(stack, id):
    return requests.get(f"{stack.url}/sweeps/{id}", timeout=60).json()


def wait_for(stack, id):
    """Wait until a sweep has ended; return it."""
    wait_until(lambda: get(stack, id)["finished_at"], what=f"the end of sweep {id}")
    return get(stack, id)


@pytest.fixture(scope="module")
def ended(stack):
    """Run a sweep of two parameters, without its winner; return it."""
    space = {"learning_rate": RATES, "activation": {"choices": ["tanh", "relu"]}}
    return wait_for(stack, start(stack, space=space, final=False, seed=1))


def curves(page):
    """Return the number of points of each line of the curves."""
    paths = page.locator("#curves [aria-label=line] path")
    drawn = paths.evaluate_all("all => all.map((path) => path.getAttribute('d') ?? '')")
    return [path.count("L") + 1 for path in drawn]


@pytest.mark.container
def test_a_sweep_is_started_and_watched_to_its_model(open_page):
    page = open_page("/ui/sweeps")
    page.select_option("#recipe", "playground")
    page.fill("#epochs", "2")
    page.fill("#trials", "4")
    page.fill("#hidden_sizes-size-high", "32")
    page.select_option("#another", "activation")
    page.click("#add")
    for value in ("sigmoid", "gelu"):
        page.uncheck(f"[data-field=activation] [value={value}]")
    request = page.locator("#request code")
    expect(request).to_contain_text('"learning_rate": {"low": 0.0001, "high": 0.3, "log": true}')
    expect(request).to_contain_text('"activation": {"choices": ["tanh", "relu"]}')
    page.click("text=Start sweep")
    page.wait_for_url("**/ui/sweeps/*")
    expect(page.locator("#state")).to_have_text(ENDED)
    wait_until(lambda: curves(page) == [2, 2, 2, 2], what="the curves")
    expect(page.locator("#trials tbody tr")).to_have_count(4)
    expect(page.locator("#trials")).to_contain_text("best")
    expect(page.locator("#slices svg")).to_have_count(6)
    expect(page.locator("#parallel [aria-label=line] path")).to_have_count(4)
    expect(page.locator("#importance li").first).to_be_visible()
    expect(page.locator("#facts")).to_contain_text("complete")
    page.click("text=See the model")
    expect(page.locator("#sentence")).to_contain_text(re.compile(r"of \d+ test"))


def test_the_curves_grow_while_trials_run(open_page, stack):
    id = start(stack, recipe="mnist-numpy", epochs=1000, trials=2)
    page = open_page(f"/ui/sweeps/{id}")
    expect(page.locator("#state")).to_have_text("0 of 2 trials have ended")
    seen = set()
    wait_until(lambda: seen.update(curves(page)) or len(seen) > 2, what="the curve to grow")
    expect(page.locator("#trials tbody")).to_contain_text("running")
    page.click("#cancel")
    expect(page.locator("#state")).to_contain_text("cancelled")
    expect(page.locator("#trials tbody")).to_contain_text("cancelled")
    expect(page.locator("#actions button")).to_have_count(0)  # no trial is complete


def test_trials_are_sorted_and_compared_and_the_address_keeps_it(open_page, ended):
    page = open_page(f"/ui/sweeps/{ended['id']}")
    expect(page.locator("#trials tbody tr")).to_have_count(4)
    page.focus("#sort-value")
    page.keyboard.press("Enter")
    expect(page.locator("#sort-value")).to_be_focused()
    by_value = sorted(ended["trials"], key=lambda trial: trial["value"])
    names = [re.compile(f"^Trial {trial['number']}\\b") for trial in by_value]
    expect(page.locator("#trials tbody th")).to_have_text(names)
    expect(page.locator("#figures")).to_be_hidden()
    page.focus("#pick-2")
    page.keyboard.press("Space")
    expect(page.locator("#pick-2")).to_be_focused()
    page.check("#pick-0")
    for _ in range(2):
        compared = page.locator("#figures thead th")
        expect(compared).to_have_text(["Trial 2", "Trial 0"])
        expect(page.locator("#figures .unequal").first).to_be_visible()
        expect(page.locator("#curves [stroke-width='3']")).to_have_count(2)
        expect(page.locator("#trials tbody th")).to_have_text(names)
        page.reload()


def test_the_winner_is_trained_from_the_page(open_page, stack):
    sweep = wait_for(stack, start(stack, final=False, trials=2))
    page = open_page(f"/ui/sweeps/{sweep['id']}")
    page.click("#winner")
    page.wait_for_url("**/ui/jobs/*")
    expect(page.locator("#of-sweep")).to_contain_text("The winner of sweep")
    expect(page.locator("#state")).to_contain_text("succeeded")
    page.click("#of-sweep a")
    expect(page.locator("#actions")).to_have_text("See the model")


def test_a_trial_leads_to_its_sweep_and_has_no_test_figures(open_page, ended):
    page = open_page(f"/ui/jobs/{ended['trials'][1]['job']}")
    expect(page.locator("#of-sweep")).to_contain_text("Trial 1 of sweep")
    expect(page.locator("#loss .end", has_text="validation")).to_be_visible()
    heading = page.locator("#accuracy-caption b").first
    expect(heading).to_have_text(re.compile("^Validation accuracy"), use_inner_text=True)
    expect(page.locator("#accuracy")).not_to_contain_text("Test accuracy")
    page.click("text=All epochs as a table")
    expect(page.locator("#epochs table")).to_contain_text("Validation")
    page.click("#of-sweep a")
    expect(page.locator("#trials tbody tr")).to_have_count(4)


def test_the_page_of_a_sweep_as_a_job_is_that_of_the_sweep(open_page, visit, stack, ended):
    visited = visit(stack.url, "/ui/system")
    # Not to its end: the page leads on as soon as it knows the job.
    visited.page.goto(f"{stack.url}/ui/jobs/{ended['id']}", wait_until="commit")
    visited.page.wait_for_url(f"**/ui/sweeps/{ended['id']}")
    expect(visited.page.locator("#trials tbody tr")).to_have_count(4)


def test_the_list_of_jobs_has_one_row_for_the_trials_of_a_sweep(open_page, stack):
    sweep = wait_for(stack, start(stack, title="Only rates", final=False))
    page = open_page("/")
    rows = page.locator("#rows tbody tr")
    trials = rows.filter(has_text=f"sweep {sweep['id'][:6]}")
    expect(trials).to_have_count(1)
    expect(trials).to_contain_text("Trials 0 to 3 of a sweep")
    page.click("text=Only rates")
    page.wait_for_url(f"**/ui/sweeps/{sweep['id']}")
    page.click("nav >> text=Sweeps")
    expect(page.locator("#rows tbody tr").first).to_contain_text("Only rates")
    expect(page.locator("#rows tbody tr").first).to_contain_text("4 of 4 trials have ended")


def test_errors_are_shown_at_their_fields(visit, stack):
    watched = visit(stack.url, "/ui/sweeps")
    page = watched.page
    page.fill("#learning_rate-low", "0.9")
    page.fill("#trials", "0")
    page.click("text=Start sweep")
    expect(page.locator("#said")).to_have_text("2 fields need a change.")
    domain = page.locator("[data-field=learning_rate] .fault")
    expect(domain).to_contain_text("low must be below high")
    expect(page.locator("#trials-fault")).to_contain_text("Enter a whole number from 1 to 500")
    assert watched.axe() == []
    assert all("422" in fault for fault in watched.faults)
    watched.faults.clear()
    page.fill("#trials", "3")
    expect(page.locator("#sweep .fault")).to_have_count(0)


def test_an_unknown_sweep_has_a_way_back(visit, stack):
    watched = visit(stack.url, "/ui/sweeps/0123456789abcdef")
    expect(watched.page.locator("#title")).to_have_text("No such sweep")
    assert all("404" in fault for fault in watched.faults)
    watched.faults.clear()
    watched.page.click("text=See all sweeps")
    expect(watched.page.locator("h1")).to_have_text("Search for the best values")
