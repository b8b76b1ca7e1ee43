"""The pages of an installation with tokens."""

import pytest
from playwright.sync_api import expect

from tests.browser.browser import Watched
from tests.processes import stack_in, wait_until

READ, WRITE, OWN = "0123456789abcdef", "fedcba9876543210", "0f1e2d3c4b5a6978"
EXPECTED = ("401", "503")  # statuses that the console reports


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """Run an installation with a token of each scope, without a worker."""
    folder = tmp_path_factory.mktemp("guarded")
    with stack_in(folder, STEPBOX_TOKENS=f"read:{READ},write:{WRITE},me=own:{OWN}") as stack:
        stack.start_redis()
        stack.start_service()
        yield stack


@pytest.fixture
def watched(browser, guarded):
    """Open a new browser profile, and check its console at the end."""
    watched = Watched(browser, guarded.url)
    yield watched
    watched.close()
    faults = [fault for fault in watched.faults if not any(one in fault for one in EXPECTED)]
    assert faults == []


def enter(page, token):
    expect(page.locator("#token")).to_be_visible()
    page.fill("#token-text", token)
    page.keyboard.press("Enter")


def begin(watched, token, path="/"):
    """Open a page of a new profile with a token, and wait until it is known what it allows."""
    watched.page.goto(watched.url + path)
    enter(watched.page, token)
    expect(watched.page.locator("#token-scope")).to_contain_text("read")
    return watched.page


@pytest.mark.parametrize("path", ["/", "/ui/models"])
def test_a_token_is_asked_for_once_per_browser(watched, path):
    page = watched.page
    page.goto(watched.url + path)
    enter(page, "a wrong one, of 16")
    expect(page.locator("#token-fault")).to_have_text("This token is not known.")
    enter(page, WRITE)
    expect(page.locator(".empty:visible").first).to_be_visible()
    page.click("nav >> text=System")
    expect(page.locator("#sentence")).to_contain_text("Not ready: worker")
    other = page.context.new_page()  # another tab
    other.goto(watched.url + "/ui/system")
    expect(other.locator("#sentence")).to_contain_text("Not ready: worker")
    expect(other.locator("#token")).to_be_hidden()


def test_with_a_read_token_nothing_forbidden_is_offered(watched):
    page = begin(watched, READ)
    expect(page.locator("[data-read-only]")).to_be_visible()
    expect(page.locator(".go [type=submit]")).to_be_hidden()
    assert watched.axe() == []
    # On later pages, it is known before the first paint.
    page.route("**/access", lambda route: None)
    page.reload()
    expect(page.locator("[data-read-only]")).to_be_visible()
    expect(page.locator("#train")).to_be_hidden()


def test_data_sets_are_uploaded_with_a_write_token_only(watched):
    page = begin(watched, WRITE, "/ui/data")
    expect(page.locator("#datasets canvas")).to_have_count(16)
    file = {"name": "some.csv", "mimeType": "text/csv", "buffer": b"a,label\n1,x\n2,y\n"}
    page.locator("#files").set_input_files(file)
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator("#problem")).to_contain_text("queued, next")
    page.get_by_role("button", name="Cancel the import").click()
    expect(page.locator("#problem")).to_have_text("The import was cancelled.")
    page.evaluate("token => localStorage.setItem('stepbox-token', token)", READ)
    page.reload()
    expect(page.locator("[data-read-only]")).to_be_visible()
    expect(page.locator("#upload")).to_be_hidden()
    page.goto(watched.url + "/ui/data/mnist")
    expect(page.locator("[data-read-only]")).to_be_visible()
    expect(page.locator("#train")).to_be_hidden()


def test_with_a_write_token_everything_is_offered(watched):
    page = begin(watched, WRITE)
    expect(page.locator(".go [type=submit]")).to_be_visible()
    expect(page.locator("[data-read-only]")).to_be_hidden()
    expect(page.locator("#token-scope")).to_have_text("read and write")


def test_with_an_own_token_what_is_shared_cannot_be_changed(watched):
    page = begin(watched, OWN)
    expect(page.locator("#token-scope")).to_have_text("read and write, only your own")
    expect(page.locator(".go [type=submit]")).to_be_visible()
    expect(page.locator("[data-read-only]")).to_be_hidden()
    page.evaluate("document.querySelector('.go').dataset.shared = ''")
    expect(page.locator(".go [type=submit]")).to_be_hidden()


def test_nothing_is_offered_before_the_token_is_known(watched):
    watched.page.goto(watched.url + "/")
    expect(watched.page.locator("#token")).to_be_visible()
    expect(watched.page.locator(".go [type=submit]")).to_be_hidden()
    expect(watched.page.locator("[data-read-only]")).to_be_hidden()


def test_a_token_is_changed_and_forgotten(watched):
    page = begin(watched, READ, "/ui/system")
    page.click("#token-change")
    enter(page, WRITE)
    expect(page.locator("#token-scope")).to_have_text("read and write")
    page.click("#token-change")
    page.click("#token-forget")
    expect(page.locator("#token")).to_be_visible()  # after reloading
    assert page.evaluate("Object.keys(localStorage)") == []


def test_a_stored_token_that_became_wrong_is_asked_for_again_with_the_reason(watched):
    page = begin(watched, READ, "/ui/system")
    page.evaluate("localStorage.setItem('stepbox-token', 'an old one, of 16')")
    page.reload()
    expect(page.locator("#token-fault")).to_contain_text("kept is not valid")
    enter(page, READ)
    expect(page.locator("#sentence")).to_contain_text("Not ready: worker")


def test_after_escape_the_dialog_stays_closed_until_it_is_opened(watched):
    page = watched.page
    page.goto(watched.url + "/ui/system")
    expect(page.locator("#token")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#sentence")).to_contain_text("Send a token")
    expect(page.locator("#token")).to_be_hidden()
    page.click("#token-change")
    enter(page, READ)
    expect(page.locator("#sentence")).to_contain_text("Not ready: worker")


# The page receives the refusal of its request, but reads it only when the test says so.
READ_LATER = """
const read = Response.prototype.json;
Response.prototype.json = async function () {
  const content = await read.call(this);
  if (this.url.endsWith("/system")) await new Promise((go) => (globalThis.goOn = go));
  return content;
};
"""


def test_a_request_that_was_refused_before_escape_does_not_open_the_dialog_again(watched):
    page = watched.page
    page.add_init_script(READ_LATER)
    page.goto(watched.url + "/ui/system")
    wait_until(lambda: page.evaluate("'goOn' in globalThis"), what="the refusal")
    expect(page.locator("#token")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#token")).to_be_hidden()
    page.evaluate("goOn()")
    expect(page.locator("#sentence")).to_contain_text("Send a token")
    expect(page.locator("#token")).to_be_hidden()
