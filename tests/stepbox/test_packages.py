"""The docstring of each package says what belongs there, and names only what exists."""

import importlib
import re
from importlib.util import find_spec

import pytest

from tests.processes import ROOT

PACKAGES = sorted(
    ".".join(path.parent.relative_to(ROOT).parts)
    for package in ("stepbox", "jobs", "service", "worker")
    for path in (ROOT / package).rglob("__init__.py")
)
SUBPACKAGES = [package for package in PACKAGES if package.startswith("stepbox.")]
NAMES = re.compile(r"((?:`\w+`(?:,| and)? ?)+)\((\w+)\)")


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_names_only_what_exists(package):
    """It may use short names for public names and its modules, and full names for all else."""
    text, _, public = importlib.import_module(package).__doc__.partition("Public names:")
    assert text
    for name in re.findall(r"`([\w.]+)`", text):
        assert f"`{name}`" in public or exists(f"{package}.{name}") or exists(name), name


def exists(name):
    module, _, attribute = name.rpartition(".")
    try:
        if find_spec(name):  # without importing it
            return True
    except ModuleNotFoundError:  # because `module` is missing, or has no modules
        pass
    try:
        return hasattr(importlib.import_module(module), attribute)
    except (ModuleNotFoundError, ValueError):
        return False


@pytest.mark.parametrize("package", SUBPACKAGES)
def test_a_package_of_the_library_lists_public_names_of_its_modules(package):
    text = importlib.import_module(package).__doc__.partition("Public names:")[2]
    listed = NAMES.findall(text.replace("\n", " "))
    assert listed
    for names, module in listed:
        found = importlib.import_module(f"{package}.{module}")
        for name in re.findall(r"`(\w+)`", names):
            assert hasattr(found, name), f"{module}.{name}"
