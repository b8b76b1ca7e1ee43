"""Read the tables of the documentation, to compare them with the code."""

import re
from pathlib import Path

from tests.processes import ROOT

DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"


def pages() -> list[Path]:
    """List all pages of the documentation: those in the root folder, and docs/."""
    return [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]


def tables(page: Path) -> list[list[list[str]]]:
    """Read the tables of a page. Each is a list of rows, header first; a row is a list of cells."""
    blocks = re.findall(r"(?:^\|.*\n)+", page.read_text(), re.MULTILINE)
    found = []
    for block in blocks:
        rows = [
            [cell.strip() for cell in line.strip().strip("|").split("|")]
            for line in block.splitlines()
        ]
        found.append([rows[0], *rows[2:]])
    return found


def rows(page: Path, *headers: str) -> list[list[str]]:
    """Read the rows of all tables of a page whose first column has one of these headers."""
    return [row for table in tables(page) if table[0][0] in headers for row in table[1:]]


def codes(text: str) -> list[str]:
    """List the texts in backticks."""
    return re.findall(r"`([^`]+)`", text)
