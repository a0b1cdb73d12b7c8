"""Search as you type, by title with typos and by meaning; and titles that would like to be markup."""

from __future__ import annotations

import httpx
from playwright.sync_api import expect

from tests.browser.conftest import shelf

PAYLOADS = [
    "<script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    '"><svg onload=window.hacked=1>',
    "javascript:window.hacked=1",
    "{{constructor.constructor('window.hacked = 1')()}}",
]


def test_titles_are_found_as_one_types_with_typos_accents_and_articles(visit):
    page = visit("18").page
    field = page.get_by_role("searchbox", name="Search films")
    titles = page.get_by_role("list", name="Titles")
    for typed, title in [
        ("graviti orch", "Gravity Orchard"),
        ("cafe aurelie", "Café Aurélie, 5 a.m."),
        ("the quiet engine", "The Quiet Engine"),
        ("pilgrim 1984", "Pilgrim's Second Orbit"),
    ]:
        field.fill(typed)
        expect(titles.get_by_role("link").first).to_contain_text(title)
    expect(page.locator("#said")).to_contain_text("found")


def test_films_are_found_by_what_they_are_about(visit):
    page = visit("18").page
    page.get_by_role("searchbox", name="Search films").fill("sci-fi drama")
    expect(page.get_by_role("list", name="By what they are about").get_by_role("link").first).to_be_visible()
    page.get_by_text("Meaning", exact=True).click()
    expect(page.get_by_role("list", name="Titles")).to_have_count(0)
    expect(page.get_by_role("list", name="By what they are about").get_by_role("link").first).to_be_visible()
    page.get_by_text("Title", exact=True).click()
    expect(page.get_by_role("list", name="By what they are about")).to_have_count(0)


def test_an_emptied_field_leads_back_home(visit):
    page = visit("18").page
    field = page.get_by_role("searchbox", name="Search films")
    field.fill("orbit")
    expect(page.get_by_role("heading", name="Search")).to_be_visible()
    field.fill("")
    expect(shelf(page, "For you")).to_be_visible()


def test_titles_that_are_markup_stay_text_everywhere(visit, url):
    for number, payload in enumerate(PAYLOADS):
        film = {"title": payload, "genres": [payload], "tags": [payload], "year": 2000}
        assert httpx.put(f"{url}/v1/movies/evil-{number}", json=film, trust_env=False).is_success
        rating = {"rating": 5}
        assert httpx.put(f"{url}/v1/users/victim/ratings/evil-{number}", json=rating, trust_env=False).is_success
    page = visit("<b>victim").page
    page.get_by_role("searchbox", name="Search films").fill("window.hacked")
    expect(page.get_by_role("list", name="Titles").locator(".line-title", has_text=PAYLOADS[0])).to_be_visible()
    for address, text in [("/#/film/evil-1", PAYLOADS[1]), ("/#/films", "You have not rated"), ("/#/", "For you")]:
        page.goto(f"{url}{address}")
        expect(page.locator("main")).to_contain_text(text)
    page = visit("victim", "/#/films").page
    for payload in PAYLOADS:
        expect(page.locator(".line-title", has_text=payload)).to_be_visible()
    page.goto(f"{url}/#/")
    expect(page.get_by_role("region", name="Because you liked").first).to_be_visible()
    assert page.evaluate("window.hacked") is None
    for number in range(len(PAYLOADS)):
        httpx.delete(f"{url}/v1/movies/evil-{number}", trust_env=False)
