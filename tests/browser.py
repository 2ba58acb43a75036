"""Debian's Chromium with one page, by the driver beside: Node and playwright-core of the workstation."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

from tests.pages import ROOT

PLAYWRIGHT: Final = ROOT / "workstation" / "node_modules" / "playwright-core"
_DRIVER: Final = Path(__file__).with_name("browser_driver.mjs")

# The renderer is named, so that a picture is drawn on any machine; on one that can, Mesa draws twice as fast.
_FLAGS: Final = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
_PICTURE: Final = """(() => {
  const canvas = document.querySelector('canvas.cornerstone-canvas');
  if (!canvas || !canvas.width) return null;
  const copy = document.createElement('canvas');
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const context = copy.getContext('2d');
  context.drawImage(canvas, 0, 0);
  const pixels = context.getImageData(0, 0, copy.width, copy.height).data;
  let [sum, squares, hash, count] = [0, 0, 0, pixels.length / 4];
  for (let at = 0; at < pixels.length; at += 4) {
    const level = (pixels[at] + pixels[at + 1] + pixels[at + 2]) / 3;
    sum += level; squares += level * level;
    hash = (Math.imul(hash, 31) + pixels[at] + 256 * pixels[at + 1] + 65536 * pixels[at + 2]) | 0;
  }
  return { variance: squares / count - (sum / count) ** 2, hash };
})()"""


class BrowserError(Exception):
    """The page did not do what was asked; the text is the browser's."""


def missing() -> str:
    """Return what of a browser is not here, or nothing."""
    needed = {"Chromium": shutil.which("chromium"), "Node": shutil.which("node"), "playwright-core": _playwright()}
    return ", ".join(name for name, found in needed.items() if not found)


def _playwright() -> str:
    return str(PLAYWRIGHT) if PLAYWRIGHT.is_dir() else ""


class Browser:
    """A page. Each method does one thing in it and returns when that is done.

    Raises
    ------
    BrowserError
    """

    def __init__(self) -> None:
        command = ["node", str(_DRIVER), str(PLAYWRIGHT.parent), str(shutil.which("chromium")), *_FLAGS]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def do(self, act: str, **given: object) -> Any:
        """Carry out one of the driver's acts, and return what it gives."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": act, **given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": "the browser has gone"}
        if "error" in answer:
            raise BrowserError(f"{act} {given}: {answer['error'][:1000]}")
        return answer["ok"]

    def wait(self, script: str, timeout_s: float = 90) -> None:
        """Return when `script` is true in the page."""
        self.do("wait", script=script, timeout_s=timeout_s)

    def picture(self) -> dict[str, float] | None:
        """Return variance and hash of what Cornerstone has drawn; None if it has no canvas."""
        found = self.do("evaluate", script=_PICTURE)
        return dict(found) if found else None

    def wait_for_picture(self, timeout_s: float = 60) -> None:
        """Return when there is something to be seen: a canvas that is not of one colour."""
        self.wait(f"(({_PICTURE})?.variance ?? 0) > 20", timeout_s)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press at `start`, go to `end` and let go."""
        self.do("move", x=start[0], y=start[1])
        self.do("down")
        self.do("move", x=end[0], y=end[1])
        self.do("up")

    def traffic(self) -> dict[str, Any]:
        """Return the requests since the last time, and what the page complained of."""
        return dict(self.do("traffic"))

    def failures(self) -> list[str]:
        """Return the requests since the last time that were not answered well, and the errors of the page."""
        traffic = self.traffic()
        return [*_failed(traffic["requests"]), *traffic["complaints"]]

    def failed_requests(self) -> list[str]:
        """Return the requests since the last time that were not answered well."""
        return _failed(self.traffic()["requests"])

    def close(self) -> None:
        """Close the browser."""
        self._process.communicate(timeout=30)


def _failed(requests: list[dict[str, Any]]) -> list[str]:
    failed = [one for one in requests if one["failure"] or one["status"] >= 400]
    bad = [one for one in failed if one["failure"] != "net::ERR_ABORTED"]  # else the page thought better of it
    return [f"{one['method']} {one['url']} {one['status']} {one['failure']}" for one in bad]
