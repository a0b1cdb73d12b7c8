"""The home page and a film's page: which shelves, why each film is there, filters, variety, hiding, similar films."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import becomes, shelf, shown

MANY = "18"  # of the world: 26 ratings
KINDS = """
async () => {
    const ids = [...document.querySelectorAll(".home .card")].map((card) => card.dataset.film);
    const films = await Promise.all(ids.map(async (id) => (await fetch(`v1/movies/${id}`)).json()));
    return films.map((film) => [film.genres.includes("Sci-Fi"), film.year >= 1990]);
}
"""


@pytest.fixture
def home(visit):
    page = visit(MANY).page
    expect(shelf(page, "For you").locator(".card").first).to_be_visible()
    return page


def test_every_film_says_why_it_is_there_and_what_ranked_it(home):
    for name in ("For you", "Popular"):
        cards = shelf(home, name).locator(".card")
        expect(cards.first).to_be_visible()
        for card in cards.all():
            assert card.locator(".why").inner_text()
            assert card.locator(".by").inner_text()
    expect(home.get_by_role("region", name="Because you liked").first).to_be_visible()
    expect(home.get_by_role("region", name="New: since")).to_be_visible()


def test_nothing_that_is_rated_is_on_a_shelf(home, url):
    rated = {row["movie_id"] for row in httpx.get(f"{url}/v1/users/{MANY}/ratings", trust_env=False).json()["items"]}
    expect(home.get_by_role("region", name="New: since")).to_be_visible()
    expect(home.get_by_role("region", name="Because you liked").first).to_be_visible()
    assert not rated & set(shown(home.locator("main")))


def test_a_fallback_says_that_it_is_one_and_why(visit):
    page = visit("nobody").page
    expect(shelf(page, "For you")).to_contain_text(
        "what many people watch and like, because you have not rated anything yet"
    )


def test_filters_hold_for_all_shelves_and_stay(home):
    home.get_by_text("Filters and variety").click()
    home.get_by_role("button", name="Sci-Fi", exact=True).click()
    home.get_by_label("From year").fill("1990")

    def kinds():
        return [all(film) for film in home.evaluate(KINDS)]

    becomes(home, kinds, lambda seen: seen and all(seen))
    home.reload()
    expect(home.locator("summary .count")).to_have_text("2")
    becomes(home, kinds, lambda seen: seen and all(seen))
    home.get_by_text("Filters and variety").click()
    home.get_by_role("button", name="Clear filters").click()
    expect(home.locator("summary .count")).to_have_text("")


def test_the_variety_slider_keeps_the_focus_on_each_key(home):
    home.get_by_text("Filters and variety").click()
    variety = home.get_by_label("Variety")
    variety.focus()
    for step in range(1, 6):
        with home.expect_response(lambda answer, step=step: f"diversity=0.{step}" in answer.url):
            home.keyboard.press("ArrowRight")
        expect(variety).to_be_focused()
    expect(variety).to_have_value("0.5")


def test_a_hidden_film_goes_and_comes_back(home):
    row = shelf(home, "For you")
    card = row.locator(".card").first
    film = card.get_attribute("data-film")
    card.hover()
    card.get_by_role("button", name="Hide").click()
    expect(home.locator(f"[data-film='{film}']")).to_have_count(0)
    home.get_by_role("button", name="Undo").click()
    expect(row.locator(f"[data-film='{film}']")).to_have_count(1)
    card = row.locator(f"[data-film='{film}']")
    card.hover()
    card.get_by_role("button", name="Hide").click()
    expect(home.locator(f"[data-film='{film}']")).to_have_count(0)
    home.get_by_role("link", name="Your films").click()
    home.get_by_role("button", name="again").click()
    home.get_by_role("link", name="Home", exact=True).click()
    expect(row.locator(f"[data-film='{film}']")).to_have_count(1)


def test_more_of_a_shelf_repeats_nothing(visit):
    page = visit("more").page
    row = shelf(page, "For you")
    more = row.get_by_role("button", name="show more")
    expect(more).to_have_count(1)
    before = shown(row)
    more.click()
    after = becomes(page, lambda: shown(row), lambda films: len(films) > len(before))
    assert after[: len(before)] == before
    assert len(set(after)) == len(after)
    assert page.evaluate("document.activeElement.closest('[data-film]').dataset.film") == after[len(before)]


def test_a_films_page_says_why_it_was_shown_and_what_would_change_it(home):
    card = shelf(home, "For you").locator(".card").first
    title = card.locator("a").inner_text()
    card.locator("a").click()
    expect(home.get_by_role("heading", level=1)).to_contain_text(title.split(" 19")[0].split(" 20")[0].splitlines()[-1])
    why = home.get_by_role("region", name="Why it is here")
    expect(why).to_contain_text("Number 2 of “For you”, ranked by transitions")
    expect(why).to_contain_text("What would change it")


def test_similar_films_and_recommend_on_a_film(visit):
    page = visit(MANY, "/#/film/6").page
    expect(shelf(page, "Similar films").locator(".card").first).to_contain_text("neighbours")
    with page.expect_response(lambda answer: "/v1/movies/6/recommendations" in answer.url) as answered:
        page.get_by_role("button", name="Recommend", exact=True).click()
    wanted = [item["id"] for item in answered.value.json()["items"]]
    assert wanted
    row = shelf(page, "Recommended for this film")
    becomes(page, lambda: shown(row), lambda films: films == wanted)


def test_a_film_that_is_not_there_is_said_plainly(visit):
    watched = visit(MANY, "/#/film/nowhere")
    watched.expect("404")
    expect(watched.page.get_by_role("heading", name="Not found")).to_be_visible()
