"""Drive Firefox through Marionette, the protocol that every Firefox has built in.

Playwright would need a Firefox of its own, or a newer one than Debian's.
"""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.processes import PATIENCE_S, wait_until

PREFERENCES = {
    "marionette.port": 0,  # a free one, which Firefox writes to a file
    "app.normandy.enabled": False,  # asks Mozilla for studies
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
}
FLAGS = ["--headless", "--marionette", "--remote-allow-system-access", "--no-remote"]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element's id in WebDriver
# The errors of scripts, of policies and of `console.error`, with their places.
ERRORS = """
const storage = Cc["@mozilla.org/consoleAPI-storage;1"].getService(Ci.nsIConsoleAPIStorage);
const logged = storage.getEvents()
  .filter(({ level }) => level === "error")
  .map(({ arguments: words, filename }) => [filename, [...words].join(" ")]);
const thrown = Services.console.getMessageArray()
  .filter((one) => one instanceof Ci.nsIScriptError && !(one.flags & one.warningFlag))
  .map((one) => [one.sourceName, one.errorMessage]);
storage.clearEvents();
Services.console.reset();
return [...logged, ...thrown];
"""


class NoFirefoxError(Exception):
    """Firefox is missing; the message says how to install it."""


class Firefox:
    """A window of Firefox.

    Parameters
    ----------
    port
        Where Firefox listens for commands.
    url
        Of the installation whose pages are opened.
    """

    def __init__(self, port: int, url: str) -> None:
        self.url = url
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self._replies = self._socket.makefile("rb")
        self._receive()  # Firefox introduces itself
        self._sent = 0
        self.command("WebDriver:NewSession")

    def command(self, name: str, **parameters: Any) -> Any:
        """Send a command of Marionette, and return the value of its result."""
        self._sent += 1
        message = json.dumps([0, self._sent, name, parameters]).encode()
        self._socket.sendall(b"%d:%b" % (len(message), message))
        _, _, error, result = self._receive()
        assert error is None, f"{name}: {error}"
        return result.get("value") if isinstance(result, dict) else result

    def _receive(self) -> Any:
        length = b""
        while (digit := self._replies.read(1)) != b":":
            assert digit, "Firefox has closed the connection"
            length += digit
        return json.loads(self._replies.read(int(length)))

    def open(self, path: str) -> None:
        """Go to a page and wait until it can be used."""
        self.command("WebDriver:Navigate", url=self.url + path)
        self.wait_for("performance.getEntriesByName('ready').length")

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in the page."""
        return self.command("WebDriver:ExecuteScript", script=f"return {expression}", args=[])

    def wait_for(self, expression: str) -> Any:
        """Wait until an expression in the page is true; return its value."""
        return wait_until(lambda: self.evaluate(expression), what=expression)

    def click(self, selector: str) -> None:
        """Wait for an element, and click it."""
        self.command("WebDriver:ElementClick", id=self._find(selector))

    def type(self, selector: str, text: str) -> None:
        """Type into an element. In a file input, choose the file with this path."""
        self.command("WebDriver:ElementSendKeys", id=self._find(selector), text=text)

    def _find(self, selector: str) -> str:
        self.wait_for(f"document.querySelector({json.dumps(selector)}) !== null")
        found = self.command("WebDriver:FindElement", using="css selector", value=selector)
        return found[ELEMENT]

    def draw(self, selector: str, points: list[tuple[float, float]]) -> None:
        """Draw a line with the mouse. Points are shares of the element's width and height."""
        self._find(selector)
        left, top, width, height = self.evaluate(
            f"(({{left, top, width, height}}) => [left, top, width, height])"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        places = [(round(left + x * width), round(top + y * height)) for x, y in points]
        moves = [{"type": "pointerMove", "x": x, "y": y, "duration": 20} for x, y in places]
        down = {"type": "pointerDown", "button": 0}
        up = {"type": "pointerUp", "button": 0}
        mouse = {"id": "mouse", "type": "pointer", "actions": [moves[0], down, *moves[1:], up]}
        self.command("WebDriver:PerformActions", actions=[mouse])

    def errors(self) -> list[list[str]]:
        """Return and forget the errors of the pages: the place and the words of each."""
        self.command("Marionette:SetContext", value="chrome")
        errors = self.command("WebDriver:ExecuteScript", script=ERRORS, args=[])
        self.command("Marionette:SetContext", value="content")
        return [error for error in errors if error[0].startswith(self.url)]

    def quit(self) -> None:
        """Close Firefox."""
        self.command("Marionette:Quit", flags=["eForceQuit"])
        self._replies.close()
        self._socket.close()


@contextmanager
def firefox(profile: Path, url: str) -> Iterator[Firefox]:
    """Start Firefox with an empty folder as its profile."""
    path = shutil.which("firefox-esr") or shutil.which("firefox")
    if path is None:
        raise NoFirefoxError("Firefox is missing: run make install")
    lines = [f'user_pref("{name}", {json.dumps(value)});' for name, value in PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines))
    process = subprocess.Popen(
        [path, *FLAGS, "--profile", profile],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        port = profile / "MarionetteActivePort"
        wait_until(lambda: port.is_file() and port.read_text(), what="Firefox to start")
        browser = Firefox(int(port.read_text()), url)
        yield browser
        browser.quit()
        process.wait(PATIENCE_S)
    finally:
        process.kill()
        process.wait()
