"""In a wide light and a narrow dark window, each page passes axe-core, fits, and loads little.

While it loads and scrolls, nothing moves.
"""

import pytest
import requests

from tests.browser.browser import Watched
from tests.browser.test_sweeps import start, wait_for

FIRST_VIEW_BYTES = 300_000
PAGES = {
    "jobs": "/",
    "job": "/ui/jobs/{job}",
    "sweeps": "/ui/sweeps",
    "sweep": "/ui/sweeps/{sweep}",
    "data": "/ui/data",
    "data-set": "/ui/data/fashion-mnist",
    "models": "/ui/models",
    "model": "/ui/models/{fashion-mnist}",
    "playground": "/ui/playground",
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
    sweep = wait_for(stack, start(stack))["id"]
    known = {"job": card["job"], "sweep": sweep, **models}
    return {name: path.format(**known) for name, path in PAGES.items()}


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


MOST_SHIFT = 0.05  # half of what Chrome calls good
# Record the layout shifts that no click or key has caused, and what moved.
RECORD_SHIFTS = """
globalThis.shifts = [];
const record = (entries) => shifts.push(...entries.filter((entry) => !entry.hadRecentInput));
const observer = new PerformanceObserver((list) => record(list.getEntries()));
observer.observe({ type: "layout-shift", buffered: true });
globalThis.shiftsSoFar = () => {
  record(observer.takeRecords());
  const place = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(" ");
  return shifts.map(({ value, sources }) => [
    value,
    sources.map(({ node, previousRect, currentRect }) =>
      `${(node?.outerHTML ?? node?.textContent)?.slice(0, 60)}: ` +
      `${place(previousRect)} -> ${place(currentRect)}`
    ),
  ]);
};
"""
# Scroll down by half a window; return whether the end was reached, once that has been painted.
SCROLL = """() => new Promise((resolve) => {
  scrollBy({ top: innerHeight / 2, behavior: "instant" });
  const end = scrollY + innerHeight >= document.documentElement.scrollHeight - 1;
  requestAnimationFrame(() => requestAnimationFrame(() => resolve(end)));
})"""


@pytest.mark.parametrize("width", [1280, 375])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_moves_while_a_page_loads_and_scrolls(browser, stack, addresses, name, width):
    watched = Watched(browser, stack.url, viewport={"width": width, "height": 800})
    watched.page.add_init_script(RECORD_SHIFTS)
    page = watched.open(addresses[name])
    watched.settle()
    while not page.evaluate(SCROLL):
        watched.settle()
    shifts = page.evaluate("shiftsSoFar()")
    watched.close()
    assert sum(value for value, _ in shifts) < MOST_SHIFT, shifts
