"""Sizes of data sets are written only in the descriptions of the data sets."""

import io
import re
import tokenize

from tests.processes import ROOT

PACKAGES = ("stepbox", "jobs", "worker", "service")
DESCRIPTIONS = (
    ROOT / "stepbox" / "data" / "builtin.py",
    ROOT / "stepbox" / "importing" / "options.py",  # 28 is one of the sizes to choose from
)
SIZES = {28, 784, 60_000}
# 10 has many meanings. In these forms it is the number of classes.
TEN_CLASSES = re.compile(
    r"\b(min_length|max_length|min_items|max_items|classes) ?= ?10\b|range\(10\)"
)


def hard_coded(code):
    """Return the lines that contain a size of a data set outside of comments and strings."""
    lines = code.splitlines()
    found = set()
    kept = [list(line) for line in lines]
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.NUMBER and token.string.replace("_", "").isdigit():
            if int(token.string) in SIZES:
                found.add(token.start[0])
        elif token.type in (tokenize.STRING, tokenize.COMMENT):
            (first, start), (last, stop) = token.start, token.end
            for number in range(first, last + 1):
                line = kept[number - 1]
                begin, end = start * (number == first), stop if number == last else len(line)
                line[begin:end] = " " * (end - begin)
    for number, line in enumerate(kept, 1):
        if TEN_CLASSES.search("".join(line).lower()):
            found.add(number)
    return [f"{number}: {lines[number - 1].strip()}" for number in sorted(found)]


def test_sizes_are_only_in_the_descriptions_of_the_data_sets():
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in files
        if path not in DESCRIPTIONS
        for line in hard_coded(path.read_text("utf-8"))
    ]

    assert found == []


def test_the_search_finds_hard_coded_sizes():
    code = (
        '"""28"""\nSIDE = 28  # 784\nn = 60_000\nCLASSES = 10\nlist[str](min_length=10)\nx = 10\n'
    )

    assert [line.partition(":")[0] for line in hard_coded(code)] == ["2", "3", "4", "5"]
