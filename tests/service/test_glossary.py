"""The glossary, and the links to its terms."""

import re

import pytest

from service.web.bundles import WEB
from service.web.glossary import TERMS, term

PAGES = [
    "/",
    "/docs",
    "/ui/mathematics",
    "/ui/jobs/some",
    "/ui/models/some",
    "/ui/models",
    "/ui/predict",
]


def test_the_glossary_explains_every_term_at_its_anchor(client):
    page = client.get("/ui/glossary").text
    for key, (name, meaning) in TERMS.items():
        assert f'<div id="{key}"><dt>{name}</dt><dd>{meaning}</dd></div>' in page


def test_terms_are_in_alphabetical_order_with_one_or_two_sentences():
    assert list(TERMS) == sorted(TERMS)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", key) for key in TERMS)
    assert all(20 < len(one.meaning) < 240 and one.meaning.endswith(".") for one in TERMS.values())


def test_a_link_shows_the_meaning():
    link = term("nat", "nats")
    assert link.startswith('<a class="term" href="/ui/glossary#nat">nats<span class="tip">The unit')
    assert ">logit<" in term("logit")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_links_only_to_terms_that_exist_and_to_each_once(client, path):
    links = re.findall(r'class="term" href="/ui/glossary#(.*?)"', client.get(path).text)
    assert set(links) <= TERMS.keys()
    assert len(links) == len(set(links)) or path == "/ui/models/some"  # one section each
    assert links or path == "/docs"


def test_scripts_name_only_terms_that_exist():
    named = [
        key
        for module in (WEB / "static" / "js").rglob("*.js")
        for key in re.findall(r'\bterm\("([^"]*)"', module.read_text())
    ]
    assert "cross-entropy" in named
    assert set(named) <= TERMS.keys()
