"""Chromium without a window, told what to do through a pair of pipes: a message is JSON and ends with a zero byte.

Source: Chrome DevTools Protocol, `--remote-debugging-pipe`: the browser reads from descriptor 3 and writes to 4.
"""

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PATIENCE = 60  # seconds for one answer
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-component-update",
    "--disable-background-networking",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_LAUNCH = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
)


def executable() -> str:
    """Return where Chromium is, or report the test as not run; under CI it fails."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found:
        return found
    if os.environ.get("CI"):
        pytest.fail("chromium is missing: make deps installs it")
    pytest.skip("not run: chromium is not installed")


class Browser:
    """A running browser; `running` starts and ends one."""

    def __init__(self, reader: int, writer: int):
        self._reader, self._writer = reader, writer
        self._unread = b""
        self._number = 0

    def tell(self, method: str, session: str | None = None, **told: object) -> dict:
        """Send a command and return its result; what is said in the meantime is passed over."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": told}
        if session:
            message["sessionId"] = session
        os.write(self._writer, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while True:
            answer = json.loads(self._message(until))
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def _message(self, until: float) -> bytes:
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._reader], [], [], max(0.0, until - time.monotonic()))
            assert ready, "chromium did not answer"
            piece = os.read(self._reader, 1 << 20)
            assert piece, "chromium has ended"
            self._unread += piece
        message, self._unread = self._unread.split(b"\0", 1)
        return message

    @contextlib.contextmanager
    def page(self, url: str, width: int = 1000, height: int = 800, **media: str) -> Iterator["Page"]:
        """Open a page and yield it once it has loaded; `media` says what CSS is told, such as ``colors="dark"``."""
        target = self.tell("Target.createTarget", url="about:blank")["targetId"]
        session = self.tell("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        features = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in media.items()]
        page.tell("Emulation.setEmulatedMedia", features=features)
        page.tell("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        try:
            error = page.tell("Page.navigate", url=url).get("errorText")
            assert not error, error
            page.evaluate("new Promise(done => document.readyState == 'complete' ? done() : (onload = () => done()))")
            yield page
        finally:
            self.tell("Target.closeTarget", targetId=target)


class Page:
    """An open page."""

    def __init__(self, browser: Browser, session: str):
        self._browser, self._session = browser, session

    def tell(self, method: str, **told: object) -> dict:
        """Send a command about this page; see `Browser.tell`."""
        return self._browser.tell(method, self._session, **told)

    def evaluate(self, script: str) -> object:
        """Return what an expression comes to, waited for if it is a promise; an exception fails the test."""
        found = self.tell("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def without_script(self) -> None:
        """Forbid scripts on what is opened from now on."""
        self.tell("Emulation.setScriptExecutionDisabled", value=True)

    def shot(self, path: Path | None = None) -> bytes:
        """Return the visible part of the page as PNG, and write it to `path`."""
        data = base64.b64decode(self.tell("Page.captureScreenshot", format="png")["data"])
        if path:
            path.write_bytes(data)
        return data


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Browser]:
    """Start a browser whose profile and log lie in `folder`, and end it with all its processes."""
    program = executable()
    ours, theirs = os.pipe(), os.pipe()
    command = [program, *_FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"]
    environment = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    with (folder / "chromium.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, str(theirs[0]), str(ours[1]), *command],
            pass_fds=(theirs[0], ours[1]),
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=environment,
        )
    os.close(theirs[0])
    os.close(ours[1])
    try:
        yield Browser(ours[0], theirs[1])
    finally:
        os.close(theirs[1])
        os.close(ours[0])
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)
