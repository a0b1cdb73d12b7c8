"""The system's Chromium, driven through playwright (which downloads nothing); and what a page must never do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MACOS = "/Applications/{0}.app/Contents/MacOS/{0}"
# Our own word for a violation, so that one is found even where the browser prints none.
_TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
    console.error(`violates the policy: ${event.violatedDirective} ${event.blockedURI}`));
"""


def find() -> str | None:
    """Its path: $CHROMIUM, else the usual names and places."""
    found = [os.environ.get("CHROMIUM")] + [shutil.which(name) for name in _NAMES]
    found += [_MACOS.format(name) for name in ("Chromium", "Google Chrome") if Path(_MACOS.format(name)).exists()]
    return next((path for path in found if path), None)


@contextmanager
def browser(path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # In containers there is no user namespace for the sandbox, and little shared memory.
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield chromium
        chromium.close()


class Watched:
    """A page whose misdeeds are remembered: errors on the console, violations of the policy, requests to elsewhere."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self._noted: list[str] = []
        self._url = url
        self._expected: list[str] = []
        page.add_init_script(_TELL_VIOLATIONS)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self._note(f"page error: {error}"))
        page.on("request", self._asked)

    def expect(self, text: str) -> None:
        """A problem with this text in it is what the test is about."""
        self._expected.append(text)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self._note(f"console {message.type}: {message.text}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self._url, "data:", "blob:")):
            self._note(f"request to elsewhere: {request.url}")

    def _note(self, problem: str) -> None:
        self._noted.append(problem)

    @property
    def problems(self) -> list[str]:
        return [problem for problem in self._noted if not any(text in problem for text in self._expected)]
