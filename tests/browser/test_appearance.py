"""In a wide light and a narrow dark window, each page passes axe-core, fits, and loads little."""

import pytest
import requests

FIRST_VIEW_BYTES = 300_000
PAGES = {
    "jobs": "/",
    "job": "/ui/jobs/{job}",
    "models": "/ui/models",
    "model": "/ui/models/{fashion-mnist}",
    "predict": "/ui/predict",
    "mathematics": "/ui/mathematics",
    "system": "/ui/system",
    "docs": "/docs",
    "glossary": "/ui/glossary#nat",
    "nothing": "/ui/models/none",
}


@pytest.fixture(scope="module")
def addresses(stack, models):
    card = requests.get(f"{stack.url}/models/{models['mnist']}", timeout=10).json()
    return {name: path.format(job=card["job"], **models) for name, path in PAGES.items()}


@pytest.mark.parametrize(("mode", "width"), [("light", 1280), ("dark", 375)])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_and_fits_its_window(visit, stack, addresses, name, mode, width):
    phone = {"is_mobile": True, "has_touch": True} if width < 500 else {}
    watched = visit(
        stack.url,
        addresses[name],
        color_scheme=mode,
        viewport={"width": width, "height": 800},
        **phone,
    )
    watched.settle()
    assert 5_000 < sum(watched.received.values()) < FIRST_VIEW_BYTES
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    assert watched.axe() == []
    if name == "nothing":
        assert all("404" in fault for fault in watched.faults)
        watched.faults.clear()
