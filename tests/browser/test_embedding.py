"""Pages of other sites show a figure alone, if the installation allows these sites to."""

from datetime import datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.browser import Watched
from tests.processes import stack_in, wait_until

LECTURE, OTHER = "http://lecture.example", "http://other.example"


@pytest.fixture(scope="module")
def embeddable(tmp_path_factory):
    """Run an installation that a lecture may embed, without a worker."""
    folder = tmp_path_factory.mktemp("embeddable")
    with stack_in(folder, STEPBOX_EMBED_ORIGINS=LECTURE) as stack:
        stack.start_redis()
        stack.start_service()
        yield stack


@pytest.fixture
def embed(browser, embeddable):
    """Return a function that opens a page of another site with a frame of the installation."""
    pages = []

    def embed(site, address):
        page = browser.new_page()
        pages.append(page)
        html = f"<iframe src='{embeddable.url}{address}' width=900 height=500></iframe>"
        page.route(f"{site}/", lambda route: route.fulfill(body=html, content_type="text/html"))
        page.goto(f"{site}/")
        return page.frame_locator("iframe")

    yield embed
    for page in pages:
        page.close()


def test_a_lecture_shows_a_figure_alone(embed):
    frame = embed(LECTURE, "/ui/mathematics?embed=jacobian&logits=0,0")
    expect(frame.locator("#jacobian")).to_contain_text("0.25")  # by POST, from within the frame
    expect(frame.locator("figcaption").first).to_be_visible()
    for hidden in ("header", ".foot", "h1", "#softmax .words", "#box", ".save", ".request"):
        expect(frame.locator(hidden).first).to_be_hidden()


@pytest.mark.parametrize("size", [(800, 450), (400, 300)])
@pytest.mark.parametrize(
    ("figure", "title"),
    [("confusion", "Confusion matrix"), ("learned", None), ("reliability", "Calibration")],
)
def test_a_figure_fits_its_frame_below_its_title(open_page, models, figure, title, size):
    path = f"/ui/models/{models['mnist']}?embed={figure}"
    page = open_page(path, viewport=dict(zip(("width", "height"), size, strict=True)))
    expect(page.locator(f"#{figure} :is(td, svg)").first).to_be_visible()
    for side in ("Height", "Width"):
        overflow = f"document.documentElement.scroll{side} - inner{side}"
        wait_until(lambda o=overflow: page.evaluate(o) <= 0, what=f"the {side} to fit")
    titles = page.locator(".alone-title")
    if title:
        expect(titles).to_have_text(title)
    else:
        expect(titles).to_have_count(0)  # its caption begins with the title


def test_a_section_is_shown_with_its_controls_and_without_its_text(embed):
    frame = embed(LECTURE, "/ui/mathematics?embed=softmax")
    expect(frame.locator("#jacobian")).to_be_visible()
    expect(frame.locator("#logits")).to_be_visible()
    expect(frame.locator("#softmax h2")).to_be_hidden()
    expect(frame.locator("#softmax .formula").first).to_be_hidden()


def test_without_a_name_the_first_figure_is_shown(embed):
    frame = embed(LECTURE, "/ui/mathematics?embed")
    expect(frame.locator("#jacobian")).to_be_visible()
    expect(frame.locator("#box")).to_be_hidden()


def test_the_running_training_is_shown_without_its_form(embed):
    frame = embed(LECTURE, "/?embed=now")
    expect(frame.locator("#now-chart svg")).to_be_visible()
    expect(frame.locator(".go [type=submit]")).to_be_hidden()


def test_an_unknown_figure_is_named(embed):
    frame = embed(LECTURE, "/ui/mathematics?embed=nothing")
    notice = frame.locator(".notice")
    expect(notice).to_contain_text("embed=nothing")
    expect(notice).to_contain_text("It has: softmax, jacobian, box, box-network, boxes,")


@pytest.mark.parametrize(
    ("site", "address"),
    [(OTHER, "/ui/mathematics?embed=jacobian"), (LECTURE, "/ui/mathematics"), (LECTURE, "/")],
)
def test_other_sites_and_whole_pages_are_refused(embed, site, address):
    frame = embed(site, address)
    expect(frame.locator("body")).to_be_attached()
    expect(frame.locator("main")).to_have_count(0)


def test_the_menu_offers_html_for_the_figure(browser, embeddable):
    watched = Watched(browser, embeddable.url, permissions=["clipboard-read", "clipboard-write"])
    page = watched.open("/ui/mathematics")
    menu = page.locator("figure:has(#jacobian) .save")
    menu.locator("summary").click()
    expect(menu).to_contain_text(f"Works only in pages at {LECTURE}")
    page.clock.install()
    page.clock.pause_at(datetime.now() + timedelta(minutes=1))  # the page says it for 1.5 s
    menu.get_by_text("Copy HTML").click()
    expect(menu.get_by_text("Copied")).to_be_visible()
    html = page.evaluate("navigator.clipboard.readText()")
    assert html.startswith("<iframe src=")
    assert f"{embeddable.url}/ui/mathematics?" in html
    assert "embed=jacobian" in html
    watched.close()
    assert watched.faults == []


def test_without_origins_no_html_is_offered(visit, stack):
    page = visit(stack.url, "/ui/mathematics").page
    menu = page.locator("figure:has(#jacobian) .save")
    menu.locator("summary").click()
    expect(menu.get_by_text("Copy a link")).to_be_visible()
    expect(menu.get_by_text("Copy HTML")).to_have_count(0)
