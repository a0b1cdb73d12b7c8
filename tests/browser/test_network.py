"""The network is cut in the middle of a rating: the page says so and tries again; nothing is lost, nothing doubled."""

from __future__ import annotations

import httpx
from playwright.sync_api import expect

from tests.browser.conftest import becomes, rate, shelf, slider

CUT = "net::ERR_FAILED"
RATINGS = "**/v1/users/*/ratings/*"
FILM, TITLE = "6", "Gravity Orchard"


def test_a_rating_given_while_the_server_is_gone_is_told_kept_and_sent(visit, stored):
    watched = visit("cut", f"/#/film/{FILM}")
    watched.expect(CUT)
    page = watched.page
    stars = slider(page, TITLE)
    expect(shelf(page, "Similar films")).to_be_visible()
    page.route("**/v1/**", lambda route: route.abort())
    rate(page, stars, 4)
    notice = page.locator("#connection")
    expect(notice).to_contain_text("cannot be reached")
    expect(notice).to_contain_text("1 rating kept here")
    expect(stars).to_have_attribute("aria-valuetext", "4 of 5 stars")
    assert stored("cut") == {}
    page.unroute("**/v1/**")
    becomes(page, lambda: stored("cut"), lambda ratings: ratings == {FILM: 4.0})
    expect(notice).to_be_hidden()


def test_the_last_of_several_wishes_counts_when_the_network_is_back(visit, stored):
    watched = visit("wishes", f"/#/film/{FILM}")
    watched.expect(CUT)
    page = watched.page
    stars = slider(page, TITLE)
    expect(stars).to_be_visible()
    page.route(RATINGS, lambda route: route.abort())
    for wish in (1, 5, 2.5):
        rate(page, stars, wish)
    page.unroute(RATINGS)
    becomes(page, lambda: stored("wishes"), lambda ratings: ratings == {FILM: 2.5})


def test_an_answer_that_is_lost_on_its_way_doubles_nothing(visit, stored, url):
    watched = visit("lost", f"/#/film/{FILM}")
    watched.expect(CUT)
    page = watched.page
    arrived = []

    def lose_the_first_answer(route):
        answer = route.fetch()  # the server has it
        arrived.append(answer.status)
        if len(arrived) == 1:
            route.abort()
        else:
            route.fulfill(response=answer)

    page.route(RATINGS, lose_the_first_answer)
    rate(page, slider(page, TITLE), 3.5)
    becomes(page, lambda: arrived, lambda statuses: statuses == [200, 200])
    expect(page.locator("#connection")).to_be_hidden()
    assert stored("lost") == {FILM: 3.5}
    assert httpx.get(f"{url}/v1/users/lost/ratings", trust_env=False).json()["total"] == 1
    page.unroute_all(behavior="wait")


def test_what_waits_survives_a_reload(visit, stored):
    watched = visit("reload", f"/#/film/{FILM}")
    watched.expect(CUT)
    page = watched.page
    stars = slider(page, TITLE)
    expect(stars).to_be_visible()
    page.route(RATINGS, lambda route: route.abort())
    rate(page, stars, 5)
    expect(page.locator("#connection")).to_contain_text("1 rating kept here")
    page.reload()
    expect(slider(page, TITLE)).to_have_attribute("aria-valuetext", "5 of 5 stars")
    assert stored("reload") == {}
    page.unroute(RATINGS)
    becomes(page, lambda: stored("reload"), lambda ratings: ratings == {FILM: 5.0})


def test_a_rating_that_the_server_refuses_is_taken_back_and_told(visit, stored):
    watched = visit("refused", f"/#/film/{FILM}")
    watched.expect("403")
    page = watched.page
    stars = slider(page, TITLE)
    expect(stars).to_be_visible()
    told = {"status": 403, "content_type": "application/problem+json", "body": '{"detail": "the key may only read"}'}
    page.route(RATINGS, lambda route: route.fulfill(**told))
    rate(page, stars, 5)
    expect(page.locator(".toast", has_text="Not stored: the key may only read")).to_be_visible()
    expect(stars).to_have_attribute("aria-valuetext", "not rated")
    assert stored("refused") == {}
