"""The page of the API in a browser: people send requests and read the responses."""

import pytest
import requests
from playwright.sync_api import expect

MOST_BYTES = 150_000


@pytest.fixture
def open_request(visit, stack, models):
    """Open the page at a request; return the visit and the request's part of the page."""

    def open_request(anchor):
        watched = visit(stack.url, f"/docs#{anchor}")
        part = watched.page.locator(f"[id='{anchor}']")
        expect(part).to_have_attribute("open", "")  # the address opens it
        return watched, part

    return open_request


def send(part):
    part.get_by_role("button", name="Send").click()


def test_the_page_is_small(visit, stack):
    watched = visit(stack.url, "/docs")
    watched.settle()
    assert 10_000 < sum(watched.received.values()) < MOST_BYTES


def test_a_request_with_parameters_shows_its_response(open_request, models):
    watched, part = open_request("get-models")
    part.get_by_label("limit query").fill("1")
    part.get_by_label("limit query").press("Enter")
    expect(part.get_by_role("status")).to_contain_text("200 OK")
    expect(part.locator(".line code")).to_contain_text("GET /models?limit=1")
    expect(part.locator(".answer pre")).to_contain_text('"models": [')
    expect(part.locator(".answer dl")).to_contain_text("application/json")
    watched.page.click("nav >> text=Objects")
    watched.page.evaluate("location.hash = 'object-Card'")
    expect(watched.page.locator("#object-Card")).to_have_attribute("open", "")


def test_a_missing_value_is_asked_for(open_request):
    _, part = open_request("get-jobs-id")
    send(part)
    expect(part.get_by_role("alert")).to_have_text("Enter a value")
    expect(part.get_by_label("id path")).to_be_focused()
    expect(part.locator(".answer")).to_be_empty()


def test_json_is_sent_as_typed(open_request):
    watched, part = open_request("post-analysis-softmax-jacobian")
    part.locator("textarea").fill('{"logits": [0, 0]}')
    send(part)
    expect(part.locator(".answer pre")).to_contain_text('"probabilities": [0.5, 0.5]')
    part.locator("textarea").fill('{"logits": "it\'s"}')
    send(part)
    expect(part.get_by_role("status")).to_contain_text("422")
    expect(part.locator(".answer pre")).to_contain_text('"pointer": "/logits"')
    expect(part.locator(".line code")).to_contain_text(r"""'{"logits": "it'\''s"}'""")
    assert watched.axe() == []
    assert all("422" in fault for fault in watched.faults)
    watched.faults.clear()


def test_an_image_file_is_classified(open_request, stack, models, tmp_path):
    image = tmp_path / "seven.png"
    image.write_bytes(requests.get(f"{stack.url}/datasets/mnist/test/0.png", timeout=10).content)
    _, part = open_request("post-predict")
    part.get_by_label("model query").fill(models["mnist"])
    send(part)
    expect(part.get_by_role("alert")).to_have_text("Choose a file")
    part.locator("input[type=file]:visible").set_input_files(image)
    send(part)
    expect(part.locator(".answer pre")).to_contain_text('"predictions": [')
    expect(part.locator(".line code")).to_contain_text("'Content-Type: image/png'")
    part.get_by_label("Content type").select_option("multipart/form-data")
    part.locator("input[type=file]:visible").set_input_files([image, image])
    send(part)
    expect(part.locator(".line code")).to_contain_text("-F 'image=@seven.png'")
    expect(part.locator(".answer pre")).to_contain_text('"label": "7"')


def test_an_image_is_drawn(open_request):
    _, part = open_request("get-datasets-ref-split-index.png")
    send(part)
    expect(part.get_by_role("img")).to_have_attribute("aria-label", "Image of 28 by 28 pixels")


def test_only_a_click_on_the_button_changes_data(open_request):
    watched, part = open_request("put-aliases-name")
    sent = []
    watched.page.on("request", lambda request: sent.append(request.method))
    part.get_by_label("name path").press("Enter")
    watched.page.wait_for_timeout(100)
    assert sent == []
    part.get_by_role("button", name="Send").press("Enter")
    expect(part.get_by_role("status")).to_contain_text("422")  # no such model
    assert sent == ["PUT"]
    assert all("422" in fault for fault in watched.faults)
    watched.faults.clear()


def test_events_are_shown_while_they_arrive(open_request, stack):
    job = stack.train(recipe="mnist-numpy", epochs=1000)
    _, part = open_request("get-jobs-id-events")
    part.get_by_label("id path").fill(job["id"])
    send(part)
    expect(part.get_by_role("log")).to_contain_text("event: status")
    part.get_by_role("button", name="Stop").click()
    expect(part.locator(".answer")).to_contain_text("Stopped.")
    requests.post(f"{stack.url}/jobs/{job['id']}/cancel", timeout=10).raise_for_status()
    stack.wait_for(job["id"])


def test_the_command_of_a_request_follows_what_is_typed(open_request):
    _, part = open_request("get-jobs-id")
    expect(part.locator(".line code")).to_have_text("GET /jobs/{id} ")
    part.get_by_label("id path").fill("a b")
    expect(part.locator(".line code")).to_have_text("GET /jobs/a%20b ")


def test_a_search_shows_what_matches_and_enter_opens_the_best(visit, stack):
    page = visit(stack.url, "/docs").page
    search = page.get_by_label("Find a request or an object")
    search.fill("cancel job")
    expect(page.locator("#found")).to_contain_text("Found: ")
    expect(page.locator("#post-predict")).to_be_hidden()
    search.press("Enter")
    expect(page.locator("#post-jobs-id-cancel")).to_have_attribute("open", "")
    page.evaluate("location.hash = 'post-predict'")  # a link to something that is hidden
    expect(page.locator("#post-predict")).to_be_visible()
    expect(search).to_have_value("")


def test_on_a_phone_what_was_found_and_the_answer_are_in_view(visit, stack):
    phone = {"viewport": {"width": 375, "height": 700}, "is_mobile": True, "has_touch": True}
    page = visit(stack.url, "/docs", **phone).page
    page.get_by_label("Find a request or an object").fill("softmax jacobian")
    found = page.locator("#post-analysis-softmax-jacobian")
    expect(found).to_be_in_viewport()
    expect(page.get_by_role("navigation", name="On this page")).to_be_hidden()
    found.locator("summary").first.tap()
    found.get_by_role("button", name="Send").tap()
    expect(found.get_by_role("status")).to_be_in_viewport()
    expect(found.locator(".answer pre")).to_be_in_viewport()


def test_a_link_to_a_part_that_the_search_hides_leads_there(visit, stack):
    page = visit(stack.url, "/docs").page
    page.get_by_label("Find a request or an object").fill("predict")
    hidden = page.locator("section[id^=tag-][hidden]").first
    expect(hidden).to_be_attached()
    tag = hidden.get_attribute("id")
    page.evaluate("tag => { location.hash = tag; }", tag)
    expect(page.locator(f"#{tag} h2")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("navigation", name="On this page")).to_be_visible()


def test_the_address_names_the_request_that_was_opened_last(visit, stack):
    page = visit(stack.url, "/docs").page
    page.locator("#get-recipes > summary").click()
    expect(page).to_have_url(f"{stack.url}/docs#get-recipes")


def test_an_address_that_changes_again_at_once_opens_both_requests(visit, stack):
    page = visit(stack.url, "/docs").page
    page.evaluate(
        """() => {
            addEventListener("hashchange", () => (location.hash = "post-predict"), { once: true });
            location.hash = "get-recipes";
        }"""
    )
    expect(page.locator("#get-recipes")).to_have_attribute("open", "")
    expect(page.locator("#post-predict")).to_have_attribute("open", "")
    expect(page).to_have_url(f"{stack.url}/docs#post-predict")
