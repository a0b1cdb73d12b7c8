"""The page in a real Chromium, on a real server over the tests' world: one server and one browser a module, a fresh
context (storage, cookies) a test. A test fails if its page said an error, broke the policy or asked elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from core_api.app import create_app
from core_api.core import Core
from core_api.settings import CoreSettings
from recommender_api.engine import RecommenderEngine
from tests.conftest import service_missing
from tests.support import chromium as system
from tests.support.core_world import open_world, train_on_world
from tests.support.hash_embedder import HashEmbedder
from tests.support.live import live

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}
PATIENCE_MS = 40_000  # on a busy machine; what works takes a fraction

expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def served(folder: Path, **settings: Any) -> Iterator[str]:
    """Its base URL. Everything real but the text model."""
    embedder = HashEmbedder()
    stores = open_world(folder, embedder)
    engine = RecommenderEngine(train_on_world(folder / "training"))
    core = Core(stores, engine, embedder, CoreSettings(_env_file=None, request_deadline_s=10, **settings))
    with live(create_app(core)) as url:
        yield url
    engine.close()
    stores.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("page")) as url:
        yield url


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = system.find()
    if path is None:
        service_missing("no Chromium: install it (on Debian the package chromium), or set CHROMIUM to its path")
    with system.browser(path) as browser:
        yield browser


@pytest.fixture
def visit(chromium: Browser, url: str) -> Iterator[Callable[..., system.Watched]]:
    """Opens the page, as that user if one is named. Options are those of a browser context."""
    opened: list[system.Watched] = []
    with ExitStack() as stack:

        def opens(user: str | None = None, path: str = "/", at: str = url, **options: Any) -> system.Watched:
            context = chromium.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE_MS)
            page = context.new_page()
            if user is not None:
                page.add_init_script(f"localStorage['marquee.user'] ??= JSON.stringify({user!r})")
            watched = system.Watched(page, at)
            opened.append(watched)
            page.goto(f"{at}{path}")
            return watched

        yield opens
        problems = [problem for watched in opened for problem in watched.problems]
    assert not problems, problems


@pytest.fixture
def stored(url: str) -> Callable[[str], dict[str, float]]:
    """What the server has of a user: film -> stars."""

    def ratings(user: str) -> dict[str, float]:
        page = httpx.get(f"{url}/v1/users/{user}/ratings", trust_env=False).json()
        return {row["movie_id"]: row["rating"] for row in page["items"]}

    return ratings


def shelf(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def shown(row: Locator) -> list[str]:
    """The films of a shelf, by id."""
    return row.locator(".card").evaluate_all("cards => cards.map(card => card.dataset.film)")


def slider(scope: Page | Locator, title: str) -> Locator:
    return scope.get_by_role("slider", name=f"Your rating of {title}", exact=True).first


def star_at(control: Locator, stars: float) -> tuple[float, float]:
    """Where on the screen that many stars are."""
    control.scroll_into_view_if_needed()
    box = control.locator(".five").bounding_box()
    assert box is not None
    return box["x"] + box["width"] * (stars - 0.25) / 5 if stars else box["x"] - 6, box["y"] + box["height"] / 2


def rate(page: Page, control: Locator, stars: float) -> None:
    page.mouse.click(*star_at(control, stars))


def becomes(page: Page, look: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """What `look` gives once it is as wanted."""
    until = time.monotonic() + PATIENCE_MS / 1000
    while not wanted(seen := look()):
        assert time.monotonic() < until, f"it stays at {seen}"
        page.wait_for_timeout(50)
    return seen
