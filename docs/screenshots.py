"""`make screenshots`: pictures of the page's main states into docs/images, in the system's Chromium.

Starts `marquee up` on a free port with the settings of the environment (or takes the server at $MARQUEE_URL) with
latest-small, so that titles are real; rates as two invented people, and forgets them afterwards.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support import chromium, processes

IMAGES = Path(__file__).parent / "images"
DESKTOP, PHONE = (1280, 860), (360, 740)
READY_S = 900.0  # from nothing: load, embed, train
PEOPLE = {  # film ids of MovieLens
    "Mira": {"924": 5, "1199": 4.5, "1206": 4, "7361": 5, "4973": 4.5, "5618": 5, "1175": 4.5, "2324": 4, "68954": 3.5,
             "1732": 4, "608": 4.5, "296": 4, "4226": 4.5, "2959": 3.5, "48394": 5, "51662": 0.5,
             "30793": 2, "1258": 4.5, "750": 5, "111759": 3, "79132": 4, "134130": 4},
    "Jonas": {"2571": 5, "1240": 4.5, "589": 5, "541": 4, "79132": 4.5, "109487": 4.5, "1214": 4, "1200": 5},
}  # fmt: skip
LETTERBOXD = """Date,Name,Year,Letterboxd URI,Rating
2024-01-03,In the Mood for Love,2000,https://boxd.it/1,5
2024-01-09,Amelie,2001,https://boxd.it/2,4.5
2024-02-11,Hamlet,,https://boxd.it/3,3.5
2024-02-20,The Holiday Nobody Filmed,2020,https://boxd.it/4,2
2024-03-01,Spirited Away,2001,https://boxd.it/5,4.5
2024-03-08,Parasite,2019,https://boxd.it/6,nine
2024-03-21,Whiplash,2014,https://boxd.it/7,4
"""


def home(page: Page) -> None:
    page.locator(".shelf .card").nth(40).wait_for(state="attached")


def first_run(page: Page) -> None:
    page.get_by_label("Search a film you like").fill("spirted away")
    page.get_by_role("list", name="Titles").get_by_role("link", name="Spirited Away").wait_for()
    page.get_by_role("list", name="By what they are about").get_by_role("link").first.wait_for()


def film(page: Page) -> None:
    home(page)
    page.locator(".row .card", has_text="Because you liked").first.locator("a").click()
    page.locator(".film .why-box").wait_for()
    page.get_by_role("region", name="Similar films").locator(".card").first.wait_for()


def sequence(page: Page) -> None:
    page.get_by_label("Find films for it").fill("thor")
    page.get_by_role("button", name="Try this example").click()
    page.get_by_role("button", name="Submit").click()
    page.get_by_role("region", name="What comes next").locator(".card").first.wait_for()
    page.get_by_text("The Amazing Spider-Man and").wait_for()
    page.get_by_role("list", name="Titles").get_by_role("link").first.wait_for()


def together(page: Page) -> None:
    page.get_by_label("Who else is watching?").fill("Jonas")
    page.get_by_role("button", name="Add person").click()
    page.get_by_role("button", name="Find films").click()
    page.get_by_role("region", name="For all of you").locator(".card").first.wait_for()


def importing(page: Page) -> None:
    page.get_by_role("button", name="Import").click()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ratings.csv"
        file.write_text(LETTERBOXD, encoding="utf-8")
        page.get_by_label("Choose a file").set_input_files(file)
        page.get_by_role("row", name="Whiplash").wait_for()


def search(page: Page) -> None:
    page.get_by_role("searchbox", name="Search films").fill("a robot alone in space")
    page.get_by_role("list", name="By what they are about").get_by_role("link").first.wait_for()


SHOTS: dict[str, tuple[str | None, str, str, tuple[int, int], Callable[[Page], None]]] = {
    "home-light": ("Mira", "", "light", DESKTOP, home),
    "home-dark": ("Mira", "", "dark", DESKTOP, home),
    "phone": ("Mira", "", "dark", PHONE, home),
    "first-run": (None, "", "light", DESKTOP, first_run),
    "film": ("Mira", "", "dark", DESKTOP, film),
    "search": ("Mira", "", "light", DESKTOP, search),
    "sequence": ("Mira", "#/sequence", "light", DESKTOP, sequence),
    "together": ("Mira", "#/together", "dark", DESKTOP, together),
    "import": ("Mira", "#/films", "light", DESKTOP, importing),
}


def shoot(browser: Browser, url: str, name: str) -> Path:
    user, address, scheme, (width, height), act = SHOTS[name]
    touch = {"has_touch": True, "is_mobile": True, "device_scale_factor": 2} if width < 500 else {}
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce", **touch
    )
    context.set_default_timeout(180_000)
    page = context.new_page()
    if user is not None:
        page.add_init_script(f"localStorage['marquee.user'] = JSON.stringify({user!r})")
    page.goto(f"{url}/{address}")
    act(page)
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(0, 0)
    page.wait_for_timeout(800)
    out = IMAGES / f"{name}.png"
    page.screenshot(path=out)
    context.close()
    return out


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Once every training has ended."""
    home = Path(tempfile.gettempdir())
    with processes.marquee("up", "--port", "0", env=os.environ, cwd=home) as up:
        up.wait_for(lambda: up.out, "its address", READY_S)
        url = up.out[-1]
        up.wait_for(lambda: prepared(url), "the end of the preparation", READY_S)
        yield url
        up.stop()


def prepared(url: str) -> bool:
    told = httpx.get(f"{url}/v1/info", timeout=30, trust_env=False).json()
    ready = httpx.get(f"{url}/healthz/ready", timeout=30, trust_env=False).json()["status"] == "ready"
    return ready and all(step["state"] != "running" for step in told["preparation"])


def main() -> int:
    path = chromium.find()
    if path is None:
        print("no Chromium: install it (on Debian the package chromium), or set CHROMIUM to its path", file=sys.stderr)
        return 1
    IMAGES.mkdir(exist_ok=True)
    wanted = sys.argv[1:] or list(SHOTS)
    with contextlib.nullcontext(os.environ["MARQUEE_URL"]) if "MARQUEE_URL" in os.environ else server() as url:
        body = {name: {"movie_id": list(rated), "ratings": list(rated.values())} for name, rated in PEOPLE.items()}
        httpx.post(f"{url}/update_ratings", json=body, timeout=30, trust_env=False).raise_for_status()
        with chromium.browser(path) as browser:
            for name in wanted:
                out = shoot(browser, url, name)
                print(f"{out.name}: {out.stat().st_size / 1000:.0f} kB")
        for name in PEOPLE:
            httpx.delete(f"{url}/v1/users/{name}", trust_env=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
