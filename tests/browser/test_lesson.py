"""The links and commands of the lesson in docs/lesson, with the model that its first page trains.

After a link, quotes and rows of tables in the same section stand on the page that it opens.
"""

import re
import subprocess
from typing import NamedTuple
from unicodedata import normalize
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from playwright.sync_api import expect

from tests.docs.tables import DOCS
from tests.processes import wait_until

ADDRESS = "127.0.0.1:8000"
PAGES = sorted((DOCS / "lesson").glob("*.md"))
PHASES = {
    "input": "The input",
    "softmax": "Softmax",
    "loss": "Loss",
    "gradients": "Gradients",
    "update": "Update",
    **{f"forward-{layer}": f"Forward, layer {layer}" for layer in (1, 2, 3)},
    **{f"delta-{layer}": f"Backward, layer {layer}" for layer in (1, 2, 3)},
}


class Link(NamedTuple):
    """A link into Stepbox, and what the lesson says that it shows."""

    path: str
    said: list[str]


def links_of(page):
    """List the links of a page into Stepbox."""
    for section in re.split(r"^## ", page.read_text(), flags=re.MULTILINE):
        link = None
        for block in section.split("\n\n"):
            lines = block.splitlines()
            if link and block.startswith(">"):
                quotes = "\n".join(line.lstrip("> ") for line in lines).split("\n\n")
                link.said.extend(" ".join(quote.splitlines()) for quote in quotes)
            elif link and block.startswith("|"):
                link.said.extend(lines[2:])
            for path in re.findall(rf"\]\(http://{ADDRESS}([^)\s]*)\)", block):
                link = Link(path, [])
                yield link


def commands_of(page):
    """List the blocks of shell commands of a page."""
    return re.findall(r"^```bash\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def bare(text):
    """Reduce a text to what both Markdown and a page have: no markup, no spaces, plain digits."""
    return re.sub(r"<[^>]*>|[\s|=]", "", normalize("NFKC", text))


@pytest.fixture(scope="module")
def run(stack, tmp_path_factory):
    """Return a function that runs shell commands of the lesson on the shared installation."""
    folder = tmp_path_factory.mktemp("lesson")

    def run(commands):
        commands = commands.replace(ADDRESS, urlsplit(stack.url).netloc)
        script = "set -e\n" + commands.replace("curl -s ", "curl -sf ")
        done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, (commands, done.stderr)
        return done.stdout

    return run


@pytest.fixture(scope="module")
def lesson(run, stack):
    """Train the model of the lesson and name it, with the commands of the first page."""
    train, name = commands_of(PAGES[0])
    run(train)
    [job] = requests.get(f"{stack.url}/jobs?limit=1", timeout=10).json()["jobs"]
    stack.wait_for(job["id"])
    run(name)


@pytest.mark.parametrize("commands", [one for page in PAGES[1:] for one in commands_of(page)])
def test_the_commands_run(lesson, run, commands):
    assert run(commands)


LINKS = [
    pytest.param(link, id=f"{page.stem}{link.path}") for page in PAGES for link in links_of(page)
]


@pytest.mark.parametrize("link", LINKS)
def test_a_link_shows_what_the_lesson_says(lesson, visit, stack, link):
    watched = visit(stack.url, link.path)
    page = watched.page
    watched.settle()
    wait_until(lambda: not missing(page, link), what=f"the page to show {link.said}")
    assert page.locator("main .notice:visible").all_inner_texts() == []
    address = urlsplit(link.path)
    query = {name: values[0] for name, values in parse_qs(address.query).items()}
    if address.path.endswith("/steps") and query:
        check_step(page, query)
    if address.path == "/" and query:
        check_form(page, query)
    if address.fragment:
        expect(page.locator(f"#{address.fragment}")).to_be_visible()


def missing(page, link):
    """List what the lesson says, and the page does not show."""
    shown = bare(page.locator("main").inner_text())
    return [text for text in link.said if bare(text) not in shown]


def check_step(page, query):
    expect(page.locator("#number")).to_have_text(f"{int(query['step']):,}")
    expect(page.locator("#phase-title")).to_have_text(PHASES[query["phase"]])
    gradient = query.get("gradient", "exact")
    expect(page.locator(f"#gradient [value={gradient}]")).to_be_checked()
    if "neuron" in query:
        layer, neuron = query["layer"], query["neuron"]
        name = f"Class {neuron}" if layer == "3" else f"Neuron {neuron} of layer {layer}"
        expect(page.locator("#who")).to_contain_text(name)


def check_form(page, query):
    expect(page.locator(f"[name=recipe][value={query.pop('recipe')}]")).to_be_checked()
    for field, value in query.items():
        expect(page.locator(f"#{field}")).to_have_value(value)


def test_each_page_has_links_and_what_they_show():
    for page in PAGES:
        links = list(links_of(page))
        assert len(links) > 2, page
        assert any(link.said for link in links), page
