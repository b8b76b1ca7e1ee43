"""The documentation builds, loads nothing from other hosts, and names files that exist."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.tables import DOCS, pages
from tests.processes import BIN, ROOT

# Files that a program or the reader writes.
NOT_IN_THE_REPOSITORY = {"backup.json", "card.json", "dataset.json", "seven.png"}
KINDS = (
    "cfg",
    "css",
    "gpu",
    "html",
    "ipynb",
    "js",
    "json",
    "lua",
    "md",
    "png",
    "py",
    "sh",
    "toml",
    "txt",
    "yml",
)
MADE_LATER = (".venv", ".run", "data", "models", "node_modules")


def source_files():
    """List the files of the repository, without installed and generated files."""
    for path in ROOT.iterdir():
        if path.is_file():
            yield path
        elif path.name not in (*MADE_LATER, ".git", ".venv-audit"):
            yield from path.rglob("*.*")


NAMES = {path.name for path in source_files()} | NOT_IN_THE_REPOSITORY


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [BIN / "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "true"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_every_page_is_built(site):
    built = {path.relative_to(site).with_suffix(".md") for path in site.rglob("*.html")}
    assert {path.relative_to(DOCS) for path in DOCS.rglob("*.md")} <= built


@pytest.mark.slow
def test_the_site_loads_nothing_from_another_host(site):
    loading = r'<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="?((?:https?:)?//[^" >]+)'
    for page in site.rglob("*.html"):
        found = re.findall(loading, page.read_text())
        assert [url for url in found if "rel=canonical" not in url] == [], page
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//", style.read_text()), style


def paths_in(text):
    """List the paths and names of files in backticks, alone or in a command."""
    for code in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text):
        for word in code.split():
            path = word.partition("::")[0].rstrip(",.")
            folder, _, name = path.rpartition("/")
            is_path = re.fullmatch(r"[\w.][\w./-]*", path) and path.split("/")[0] not in MADE_LATER
            if is_path and (
                Path(name).suffix[1:] in KINDS or (folder and (ROOT / folder).is_dir())
            ):
                yield path


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page):
    text = page.read_text()
    new_files = re.findall(r'^```\w+ title="(.*)"$', text, re.MULTILINE)  # the reader writes them
    missing = [
        path
        for path in paths_in(text)
        if not ((ROOT / path).exists() if "/" in path else path in NAMES)
        if path not in new_files
    ]
    assert missing == []


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) < 120
