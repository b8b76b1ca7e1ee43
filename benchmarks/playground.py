"""Measure how smoothly the page *Playground* shows a training, in a real browser.

    python -m benchmarks.playground

This starts Stepbox and headless Chromium, in a window of a laptop's size, and trains several times
on the three spirals. It prints:

1. The time from the click on *Train* to the first image of the training. The goal is 0.3 s.
2. The images a second that the browser shows from then to the end of the training, and next to it
   those of the same page at rest. The goal is 30.
3. The time that the page takes to draw one image.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from shutil import which
from statistics import median
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks.installation import run_stepbox

ADDRESS = "/ui/playground?data=spiral-3"
RUNS = 7
REST_MS = 1000
AT_REST = """duration => new Promise((resolve) => {
  const shown = [];
  const next = (now) => {
    shown.push(now);
    if (now - shown[0] < duration) requestAnimationFrame(next);
    else resolve(shown);
  };
  requestAnimationFrame(next);
})"""
TRAIN = """() => new Promise((resolve) => {
  const scores = document.querySelector("#scores");
  const before = scores.textContent;
  const shown = [];
  const clicked = performance.now();
  const next = (now) => {
    if (scores.textContent !== before) shown.push(now);
    if (!document.querySelector("#step-link a")) return requestAnimationFrame(next);
    const drawn = performance.getEntriesByName("playground-frame");
    resolve({
      first: shown[0] - clicked,
      shown,
      drawn: drawn.filter((one) => one.startTime >= shown[0]).map((one) => one.duration),
    });
  };
  document.querySelector("#train").click();
  requestAnimationFrame(next);
})"""


@contextmanager
def open_page(url: str) -> Iterator[Page]:
    """Open an address in a new browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=which("chromium-headless-shell"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.goto(url)
        yield page
        browser.close()


def rate(times: list[float]) -> float:
    """Return the images a second, from the times in ms at which they were shown."""
    return 1000 * (len(times) - 1) / (times[-1] - times[0])


def main() -> None:
    """Train `RUNS` times after a first one, and print the figures."""
    results: list[dict[str, Any]] = []
    with run_stepbox() as installation, open_page(f"{installation.url}{ADDRESS}") as page:
        for _ in range(1 + RUNS):
            page.goto(f"{installation.url}{ADDRESS}")
            page.wait_for_selector("#train:enabled")
            rest = rate(page.evaluate(AT_REST, REST_MS))
            results.append({**page.evaluate(TRAIN), "rest": rest})
    del results[0]  # the first training after the start takes longer
    firsts = [one["first"] for one in results]
    rates = [rate(one["shown"]) for one in results]
    drawn = sorted(time for one in results for time in one["drawn"])
    print(f"{RUNS} trainings")
    print(f"first image: median {median(firsts):.0f} ms, at most {max(firsts):.0f} ms")
    print(f"images a second: median {median(rates):.0f}, at least {min(rates):.0f}; ", end="")
    print(f"at rest {median(one['rest'] for one in results):.0f}")
    print(f"drawing one: median {median(drawn):.1f} ms, ", end="")
    print(f"95 % in {drawn[len(drawn) * 95 // 100]:.1f} ms")


if __name__ == "__main__":
    main()
