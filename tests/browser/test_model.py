"""The page of one model in a browser."""

from playwright.sync_api import expect

from tests.browser.test_models import boxes_collide
from tests.processes import wait_until

# Count the requests that take much memory on the server, from the call to the content.
COUNT_LARGE = """
window.large = { open: 0, most: 0, ended: 0 };
const send = window.fetch.bind(window);
window.fetch = async (path, ...others) => {
  if (!/histograms|filters|feature-maps|attribution|projection/.test(path)) {
    return send(path, ...others);
  }
  large.most = Math.max(large.most, ++large.open);
  const response = await send(path, ...others);
  const read = response.json.bind(response);
  response.json = async () => {
    const content = await read();
    large.open--;
    large.ended++;
    return content;
  };
  return response;
};
"""


def test_a_missing_model_is_reported_with_a_link_to_the_list(visit, stack, models):
    watched = visit(stack.url, "/ui/models/none")
    expect(watched.page.locator("h1")).to_have_text("No such model")
    expect(watched.page.locator("#delete")).to_be_hidden()
    assert all("404" in fault for fault in watched.faults)
    watched.faults.clear()
    watched.page.click("text=See all models")
    expect(watched.page.locator("h1")).to_have_text("Trained models")


def test_nothing_is_offered_before_the_model_is_known(visit, stack, models):
    watched = visit(stack.url, "/ui/models")
    page = watched.page
    page.route(f"{stack.url}/models/latest-mnist", lambda route: None)  # which stays unanswered
    page.goto(f"{stack.url}/ui/models/latest-mnist", wait_until="commit")
    expect(page.locator("h1")).to_have_text("Model")
    for control in page.locator("main :is(button, .button, .onpage a)").all():
        expect(control).to_be_hidden()
    expect(page.locator("#facts")).to_be_hidden()


def test_a_model_is_tried_with_one_click(open_page, models):
    page = open_page(f"/ui/models/{models['fashion-mnist']}")
    page.click("text=Try this model")
    page.wait_for_url(f"**/ui/predict?models={models['fashion-mnist']}*")
    page = open_page("/ui/models")
    row = page.locator("#models tbody tr", has_text=models["mnist"])
    row.get_by_role("link", name="Try").click()
    page.wait_for_url(f"**/ui/predict?models={models['mnist']}*")


def test_large_requests_of_the_page_wait_for_each_other(visit, stack, models):
    watched = visit(stack.url, "/ui/models")
    page = watched.page
    page.add_init_script(COUNT_LARGE)
    watched.open(f"/ui/models/{models['fashion-mnist']}")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")  # which loads the whole page
    wait_until(lambda: page.evaluate("large.ended") == 5, what="the figures")
    assert page.evaluate("large.most") == 1


def test_the_page_of_a_model_names_its_figures(open_page, models):
    page = open_page(f"/ui/models/{models['fashion-mnist']}")
    facts = page.locator("#facts")
    for name in ("Training time", "Time per epoch", "Created"):
        expect(facts.locator("dt", has_text=name)).to_have_count(1)
    labels = page.locator("#classes text", has_text="recall").or_(
        page.locator("#classes text", has_text="precision")
    )
    expect(labels).to_have_count(2)
    assert not boxes_collide(labels)


def test_the_keyboard_alone_reaches_the_cells_of_the_confusion_matrix(open_page, models):
    page = open_page(f"/ui/models/{models['fashion-mnist']}")
    page.focus("#confusion [aria-pressed=true]")
    before = page.locator("#cell p").first.inner_text()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#cell p").first).not_to_have_text(before)
    chosen = page.locator("#confusion [aria-pressed=true]")
    expect(chosen).to_be_focused()
    count = int(chosen.inner_text().replace("·", "0"))
    expect(page.locator("#cell canvas")).to_have_count(min(12, count))


def test_a_model_gets_an_alias_and_is_deleted_after_confirmation(open_page, stack, models):
    job = stack.train(recipe="mnist-numpy", hidden_sizes=[], epochs=1)
    model = stack.wait_for(job["id"])["model"]
    page = open_page(f"/ui/models/{model}")
    expect(page.locator("#job a")).to_have_attribute("href", f"/ui/jobs/{job['id']}")
    page.click("#alias")
    page.fill("#alias-name", "a-name")
    page.keyboard.press("Enter")
    page.click("[aria-label='Remove the alias a-name']")  # a model with an alias cannot be deleted
    expect(page.locator("#facts dd").first).not_to_contain_text("a-name")
    page.click("#delete")
    page.click("text=Keep it")
    expect(page.locator("#sure")).to_be_hidden()
    page.click("#delete")
    page.click("#sure >> text=Delete >> nth=-1")
    page.wait_for_url("**/ui/models")
    expect(page.locator("#models")).not_to_contain_text(model)


def test_a_gate_refuses_a_model_and_an_alias_is_rolled_back(visit, open_page, stack, models):
    first, second = (
        stack.wait_for(stack.train(hidden_sizes=[], epochs=1, seed=seed)["id"])["model"]
        for seed in (1, 2)
    )
    watched = visit(stack.url, f"/ui/models/{first}")
    page = watched.page
    page.click("#alias")
    page.fill("#alias-name", "gated")
    page.select_option("#alias-gate", "set")
    page.fill("#gate-accuracy", "0.9999")
    page.fill("#gate-error", "0.5")
    page.click("#naming button.first")
    expect(page.locator("#alias-trouble")).to_contain_text("must be at least 0.9999")
    page.fill("#gate-accuracy", "most")
    page.click("#naming button.first")
    expect(page.locator("#gate-accuracy")).to_have_attribute("aria-invalid", "true")
    assert [fault for fault in watched.faults if "409" not in fault and "422" not in fault] == []
    watched.faults.clear()
    page.fill("#gate-accuracy", "0.5")
    page.click("#naming button.first")
    expect(page.locator("#alias-blocks")).to_contain_text("an accuracy of at least 50.00")

    page = open_page(f"/ui/models/{second}")
    page.click("#alias")
    page.fill("#alias-name", "gated")
    page.keyboard.press("Enter")
    expect(page.locator("#alias-blocks tbody tr")).to_have_count(2)
    expect(page.locator("#alias-blocks tbody a")).to_have_attribute("href", f"/ui/models/{first}")
    page.click("text=Roll back gated")
    expect(page.locator("#alias-section")).to_be_hidden()
    page = open_page(f"/ui/models/{first}")
    expect(page.locator("#alias-blocks tbody tr").first).to_contain_text("rolled back")
    page.click("[aria-label='Remove the alias gated']")
    expect(page.locator("#facts dd").first).not_to_contain_text("gated")


def test_files_for_other_programs_can_be_downloaded(open_page, models):
    model = models["mnist"]
    page = open_page(f"/ui/models/{model}")
    for text, suffix in (("ONNX", ".onnx"), ("torch", "-torch.zip"), ("NumPy", ".npz")):
        with page.expect_download() as download:
            page.click(f"#facts a:text-is('{text}')")
        assert download.value.suggested_filename == f"{model}{suffix}"


def test_a_model_is_reproduced_with_one_click(open_page, stack, models):
    page = open_page(f"/ui/models/{models['mnist']}")
    page.click("#reproduce")
    page.wait_for_url("**/ui/jobs/*")
    facts = page.locator("#facts")
    expect(facts.locator(f"a[href='/ui/models/{models['mnist']}']")).to_have_count(1)
    stack.wait_for(page.url.rpartition("/")[2])
    expect(facts).to_contain_text("yes, byte for byte")
    expect(page.locator("#title")).to_have_text(f"Reproduction of {models['mnist']}")
