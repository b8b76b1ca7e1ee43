"""Each sub-package says what belongs there, and the names that it lists exist."""

import ast
import importlib
import re

import pytest

from tests.processes import ROOT

PACKAGES = sorted(
    ".".join(path.parent.relative_to(ROOT).parts)
    for package in ("stepbox", "jobs", "service", "worker")
    for path in (ROOT / package).rglob("__init__.py")
)
NAMES = re.compile(r"((?:`\w+`(?:,| and)? ?)+)\s*\((\w+)\)")


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_describes_itself_and_lists_names_that_exist(package):
    folder = ROOT.joinpath(*package.split("."))
    tree = ast.parse((folder / "__init__.py").read_text())
    text = ast.get_docstring(tree)
    assert text
    for names, module in NAMES.findall(text.partition("Public names:")[2].replace("\n", " ")):
        if module not in ("numpy_trainer", "torch_trainer"):
            found = importlib.import_module(f"{package}.{module}")
            assert all(hasattr(found, name) for name in re.findall(r"`(\w+)`", names))
