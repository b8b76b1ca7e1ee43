"""The pages for trainings in a browser: start, follow, cancel, and reconnect."""

import re

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.browser import Watched
from tests.browser.relay import Relay
from tests.processes import stack_in, wait_until


def start(page, recipe, **fields):
    """Fill in the form, start the training, and wait for the page of the job."""
    page.check(f"[value={recipe}]")
    for name, value in fields.items():
        page.fill(f"#{name}", value)
    page.click(".go [type=submit]")
    page.wait_for_url("**/ui/jobs/*")


def points(page):
    """Count the points on the curve of the test loss."""
    drawn = page.locator(
        "#loss [aria-label=line] path[stroke='var(--orange)'], #loss g[stroke='var(--orange)'] path"
    )
    return max(
        (
            path.count("L") + 1
            for path in drawn.evaluate_all(
                "paths => paths.map((path) => path.getAttribute('d') || '')"
            )
        ),
        default=0,
    )


@pytest.mark.container
def test_a_training_is_started_and_its_curve_grows(open_page):
    page = open_page("/")
    start(page, "fashion-mnist-torch", epochs="1000")
    seen = set()
    wait_until(lambda: seen.add(points(page)) or len(seen) > 2, what="the curve to grow")
    page.click("#cancel")
    expect(page.locator("#state")).to_contain_text("cancelled")
    page.click("text=Change and run again")
    expect(page.locator("#epochs")).to_have_value("1000")
    start(page, "fashion-mnist-torch", epochs="3")
    expect(page.locator("#state")).to_contain_text("succeeded")
    wait_until(lambda: points(page) == 4, what="the whole curve")
    page.click("text=See the model")
    expect(page.locator("#sentence")).to_contain_text("of 10,000 test images")


def losses_drawn(page):
    """Count the points on the curve of the train loss within the epochs."""
    line = "#loss path[stroke='var(--blue)'], #loss g[stroke='var(--blue)'] path"
    drawn = page.locator(line).evaluate_all("all => all.map((one) => one.getAttribute('d') || '')")
    return max((path.count("L") + 1 for path in drawn), default=0)


@pytest.mark.container
def test_a_run_of_one_epoch_has_a_curve_with_and_without_live_events(open_page):
    page = open_page("/")
    start(page, "mnist-numpy", epochs="1", seed="3")
    expect(page.locator("#state")).to_contain_text("succeeded")
    wait_until(lambda: losses_drawn(page) == 60, what="the whole curve")
    assert page.inner_text("#title") == "mnist-numpy, epochs 1, seed 3"
    page.reload()
    wait_until(lambda: losses_drawn(page) == 60, what="the whole curve")
    expect(page.locator("#loss-caption")).to_contain_text("every 1,000 images")
    ticks = page.locator("#accuracy [aria-label='y-axis tick label'] text")
    expect(ticks).to_have_text(["0", "20", "40", "60", "80", "100"])  # the whole line
    page.click("text=See the model")
    wait_until(
        lambda: page.locator("#learned path").evaluate_all(
            "all => all.some((one) => one.getAttribute('d').split('L').length === 60)"
        ),
        what="the curve on the page of the model",
    )


@pytest.mark.parametrize(("fields", "compared"), [({}, True), ({"gradient": "exact"}, False)])
def test_only_a_run_that_changed_no_field_is_compared(open_page, stack, fields, compared):
    recipe = "mnist-numpy-published"
    id = stack.wait_for(stack.train(recipe=recipe, **fields)["id"])["id"]
    page = open_page(f"/ui/jobs/{id}")
    expect(page.locator("#loss .end").first).to_be_visible()
    assert ("Grey: the curves" in page.inner_text("#loss-caption")) == compared
    assert ("published, test" in page.locator("#loss").text_content()) == compared


def test_an_unknown_job_has_a_way_back(visit, stack):
    watched = visit(stack.url, "/ui/jobs/0123456789abcdef")
    page = watched.page
    expect(page.locator("#title")).to_have_text("No such job")
    expect(page.locator("#problem")).to_contain_text("It may have been deleted")
    expect(page.locator("#actions")).to_be_hidden()
    assert all("404" in fault for fault in watched.faults)
    watched.faults.clear()
    page.click("text=See all jobs")
    expect(page.locator("h1")).to_be_visible()


def test_nothing_about_a_job_is_shown_before_it_is_known(open_page, stack):
    id = stack.wait_for(stack.train(epochs=1, hidden_sizes=[2])["id"])["id"]
    held = []
    page = open_page("/ui/system")
    page.route(f"{stack.url}/jobs/{id}", lambda route: held.append(route))
    page.goto(f"{stack.url}/ui/jobs/{id}")
    wait_until(lambda: page.wait_for_timeout(20) or held, what="the request for the job")
    for part in ("#state", "#progress", "#actions", ".pictures", ".after"):
        expect(page.locator(part)).not_to_be_visible()
    held[0].continue_()
    for part in ("#state", "#speed", "#actions a", ".pictures", ".after"):
        expect(page.locator(part).first).to_be_visible()


def test_a_run_gets_a_name_notes_and_tags_which_its_model_shares(visit, stack):
    job = stack.wait_for(stack.train(epochs=1, hidden_sizes=[2])["id"])
    watched = visit(stack.url, f"/ui/jobs/{job['id']}")
    page = watched.page
    labels = page.locator("#labels")
    expect(page.locator("#title")).to_have_text("mnist-numpy, hidden layer of 2, epochs 1")
    labels.locator("summary").click()
    name, save = labels.get_by_label("Name", exact=True), labels.get_by_role("button")
    name.fill("x" * 81)
    labels.get_by_label("Tags").fill(f"small, {'x' * 41}")
    save.click()
    expect(page.locator("#title-fault")).to_contain_text("must be 1 to 80 characters")
    expect(page.locator("#tags-fault")).to_contain_text("Tag 2: must be 1 to 40 characters")
    expect(name).to_be_focused()
    name.fill("Only two neurons")
    labels.get_by_label("Notes").fill("too few")
    labels.get_by_label("Tags").fill("small, lesson 3, small")
    save.click()
    expect(labels.get_by_role("status")).to_have_text("Saved.")
    expect(page.locator("#title")).to_have_text("Only two neurons")
    expect(labels.get_by_label("Tags")).to_have_value("small, lesson 3")
    page.click("text=Change and run again")
    expect(page.locator("#title")).to_have_value("Only two neurons")
    expect(page.locator("#request code")).to_contain_text('"title": "Only two neurons"')

    page = watched.open(f"/ui/models/{job['model']}")
    expect(page.locator("#title")).to_have_text("Only two neurons")
    expect(page.locator("#notes")).to_have_text("too few")
    expect(page.locator("#facts")).to_contain_text("small, lesson 3")
    expect(page.locator("#facts")).to_contain_text("mnist-numpy, hidden layer of 2, epochs 1")
    labels.locator("summary").click()
    name.fill("Two neurons")
    save.click()
    expect(page.locator("#title")).to_have_text("Two neurons")
    for path in ("/", "/ui/models"):
        expect(watched.open(path).locator("tbody")).to_contain_text("Two neurons")
    assert all("422" in fault for fault in watched.faults)
    watched.faults.clear()


def test_a_training_is_cancelled(open_page):
    page = open_page("/")
    start(page, "fashion-mnist-torch", epochs="1000")
    expect(page.locator("#state")).to_contain_text("running")
    page.click("#cancel")
    expect(page.locator("#state")).to_contain_text("cancelled")
    expect(page.locator("#cancel")).to_have_count(0)
    expect(page.locator("#progress")).to_be_hidden()
    assert page.locator("#progress").bounding_box()["height"] > 0  # so nothing jumps up
    page.reload()
    expect(page.locator("#state")).to_contain_text("cancelled")
    expect(page.locator("#progress")).to_have_css("display", "none")
    page.click("text=Change and run again")
    expect(page.locator("#epochs")).to_have_value("1000")
    expect(page.locator("#epochs")).to_be_focused()
    expect(page.locator("#epochs")).to_be_in_viewport()


def test_a_broken_connection_leaves_no_gap(own_stack, browser):
    own_stack.environment["HOLD_DIR"] = str(own_stack.folder)
    held = own_stack.folder / "epoch-3"
    held.touch()
    own_stack.start_redis()
    own_stack.start_worker(application="tests.worker.holding")
    own_stack.start_service()
    relay = Relay(own_stack.port)
    watched = Watched(browser, relay.url)
    job = own_stack.train(recipe="fashion-mnist-torch", epochs=6)
    page = watched.open(f"/ui/jobs/{job['id']}")
    wait_until(lambda: points(page) == 3, what="epochs 0, 1 and 2")
    relay.break_off()
    expect(page.locator("#trouble")).to_contain_text("Connection lost")
    page.focus("#trouble button")
    tried_again = re.compile(r"\b([4-9]|\d\d) s ago")
    expect(page.locator("#trouble")).to_contain_text(tried_again)
    expect(page.locator("#trouble button")).to_be_focused()
    held.unlink()
    wait_until(lambda: len(own_stack.job(job["id"])["history"]) > 3, what="another epoch")
    relay.mend()
    expect(page.locator("#state")).to_contain_text("succeeded")
    expect(page.locator("#trouble")).to_be_empty()
    page.click("#epochs summary")
    epochs = page.locator("#epochs tbody tr td:first-child")  # filled in once it is open
    expect(epochs).to_have_text([str(epoch) for epoch in range(6, -1, -1)])
    assert points(page) == 7
    watched.close()
    relay.close()
    # only the interruption itself may cause errors in the console
    assert [fault for fault in watched.faults if "net::ERR_" not in fault] == []


def test_the_list_names_the_changed_fields_and_only_unchanged_runs_have_a_published_curve(
    stack, open_page
):
    plain = stack.train(recipe="mnist-numpy-published", epochs=3)["id"]
    changed = stack.train(recipe="mnist-numpy-published", epochs=1, seed=5)["id"]
    stack.wait_for(plain)
    stack.wait_for(changed)
    page = open_page("/")
    expect(page.locator(f"#rows [href$='{changed}']")).to_have_text(
        "mnist-numpy-published, epochs 1, seed 5"
    )
    for id, curves in ((plain, 1), (changed, 0)):
        row = page.locator("#rows tr", has=page.locator(f"[href$='{id}']"))
        expect(row.locator("path[stroke='var(--orange)']")).to_have_count(1)
        expect(row.locator("path[stroke='var(--grey)']")).to_have_count(curves)


@pytest.fixture
def long_training(stack):
    """Start a training that runs until the test ends. Others would wait for it."""
    id = stack.train(recipe="fashion-mnist-torch", epochs=1000)["id"]
    yield id
    requests.post(f"{stack.url}/jobs/{id}/cancel", timeout=10)


def test_elements_keep_the_focus_while_a_training_runs(open_page, long_training):
    page = open_page("/")
    expect(page.locator("#now-head")).to_contain_text("epoch 1")
    for link in (f"#rows [href$='{long_training}']", "#now-head a"):
        page.focus(link)
        before = page.locator("#rows progress").get_attribute("value")
        expect(page.locator("#rows progress")).not_to_have_attribute("value", before)
        expect(page.locator(link)).to_be_focused()
    page.click("#now-head a")
    page.focus("#cancel")  # before or after the first event, which shows the button again
    seen = points(page)
    wait_until(lambda: points(page) > seen, what="an epoch to end")
    expect(page.locator("#cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#state")).to_contain_text("cancelled")


# `visit` comes last, so that its pages are closed before the installation stops.
def test_a_long_list_has_no_gap_and_shows_the_running_job(own_stack, visit):
    own_stack.start_redis()
    own_stack.start_service()
    jobs = [own_stack.train(recipe="fashion-mnist-torch", epochs=1000)["id"]]
    own_stack.start_worker()
    own_stack.wait_for(jobs[0], "running")
    jobs += [own_stack.train(recipe="mnist-numpy", seed=seed)["id"] for seed in range(24)]
    watched = visit(own_stack.url, "/")
    page = watched.page
    expect(page.locator("#now-head")).to_contain_text("fashion-mnist-torch")
    expect(page.locator("#rows tbody tr")).to_have_count(20)
    jobs += [own_stack.train(recipe="mnist-numpy", seed=seed)["id"] for seed in range(3)]
    expect(page.locator(f"#rows [href$='{jobs[-1]}']")).to_be_visible()
    page.click("#more button")
    expect(page.locator("#rows tbody tr")).to_have_count(28)
    expect(page.locator("#more button")).to_have_count(0)
    jobs.append(own_stack.train(recipe="mnist-numpy", seed=99)["id"])
    expect(page.locator("#rows tbody tr")).to_have_count(29)
    gone = f"{own_stack.url}/jobs/{jobs.pop()}"
    requests.post(f"{gone}/cancel", timeout=10).raise_for_status()
    requests.delete(gone, timeout=10).raise_for_status()
    expect(page.locator("#rows tbody tr")).to_have_count(28)
    links = page.locator("#rows a").evaluate_all("links => links.map((link) => link.href)")
    assert [link.rsplit("/", 1)[1] for link in links] == jobs[::-1]


def test_without_redis_the_jobs_page_reports_it_and_other_pages_work(browser, tmp_path):
    with stack_in(tmp_path) as alone:
        redis = alone.start_redis()
        alone.start_service()
        redis.stop()
        watched = Watched(browser, alone.url)
        page = watched.open("/")
        expect(page.locator("#away")).to_contain_text("No live updates")
        expect(page.locator("#now-chart svg")).to_be_visible()
        page = watched.open("/ui/models")
        expect(page.locator("#trouble")).to_contain_text("There are no models yet")
        watched.close()
        assert [fault for fault in watched.faults if "503" not in fault] == []
