"""Drive headless Chromium with Playwright, and record errors and requests to other hosts."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.processes import PATIENCE_S, wait_until

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
ELSEWHERE = "evil.example"
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # `ELSEWHERE` resolves to loopback, as in DNS rebinding. Chromium would block requests to it
    # itself, so this check is disabled.
    f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1",
    "--disable-features=LocalNetworkAccessChecks",
]
# Chromium warns of a preloaded response that has not been used 3 s after the page was loaded, as
# while another response is slow. test_loading.py checks that each one is used, without a time.
PRELOADED = "was preloaded using link preload but not used within a few seconds"

# Wait for 50 ms and the next frame, in the page.
NEXT_CHECK = "new Promise((resolve) => setTimeout(() => requestAnimationFrame(resolve), 50))"


class NoChromiumError(Exception):
    """Chromium is missing; the message says how to install it."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium, without its sandbox if the user is root."""
    path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if path is None:
        raise NoChromiumError("Chromium is missing: run make install")
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


class Watched:
    """A page of an installation, and its faults since it was opened.

    `faults` holds console errors and warnings, exceptions, and requests to other hosts.
    """

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.url = url
        self.faults: list[str] = []
        self.received: dict[str, float] = {}
        options = {"viewport": {"width": 1280, "height": 800}, **options}
        self._context = browser.new_context(**options)
        self._context.set_default_timeout(1000 * PATIENCE_S)
        self.page: Page = self._context.new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.faults.append(f"exception: {error}"))
        self._under_way: set[Any] = set()
        self.page.on("request", self._request)
        self.page.on("requestfinished", self._finished)
        self.page.on("requestfailed", self._finished)
        self._count_bytes()

    def open(self, path: str) -> Page:
        """Go to a page and wait until it can be used."""
        self.page.goto(self.url + path)
        wait_until(
            lambda: self.page.evaluate("performance.getEntriesByName('ready').length"),
            what=f"{path} to be ready",
        )  # Playwright's wait_for_function evaluates strings, which the pages' policy forbids
        return self.page

    def settle(self) -> None:
        """Wait until 0.3 s have passed without open requests other than event streams.

        The page measures this time, frame by frame: one that is busy with a response has not yet
        sent the requests that follow.
        """
        deadline = time.monotonic() + PATIENCE_S
        quiet = 0  # checks in a row that found no open request
        while quiet < 6:
            self.page.evaluate(NEXT_CHECK)
            asked = [one.url for one in self._under_way if not one.url.endswith("/events")]
            quiet = 0 if asked else quiet + 1
            assert time.monotonic() < deadline, f"requests still open after {PATIENCE_S} s: {asked}"

    def close(self) -> None:
        """Close the page and its context."""
        self._context.close()

    def axe(self) -> list[str]:
        """Check accessibility with axe-core; return the violations."""
        self.page.evaluate(AXE.read_text())
        return self.page.evaluate(
            """() => axe.run().then((result) => result.violations.map((found) =>
            `${found.impact} ${found.id}: ${found.nodes.length} × ${found.nodes[0].html} ` +
            found.nodes[0].failureSummary))"""
        )

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning") and PRELOADED not in message.text:
            self.faults.append(f"{message.type}: {message.text} {message.location}")

    def _request(self, request: Any) -> None:
        self._under_way.add(request)
        if not request.url.removeprefix("blob:").startswith(self.url + "/"):
            self.faults.append(f"request to {request.url}")

    def _finished(self, request: Any) -> None:
        self._under_way.discard(request)

    def _count_bytes(self) -> None:
        session = self._context.new_cdp_session(self.page)
        session.send("Network.enable")
        names: dict[str, str] = {}
        session.on(
            "Network.responseReceived",
            lambda event: names.update({event["requestId"]: event["response"]["url"]}),
        )
        session.on(
            "Network.loadingFinished",
            lambda event: self.received.update(
                {names.get(event["requestId"], ""): event["encodedDataLength"]}
            ),
        )
