"""Half stars from 0 to 5, by mouse, finger and keyboard; changed, removed, undone; the shelves follow at once."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import PHONE, becomes, rate, shelf, shown, slider, star_at

MANY = "18"  # of the world: 26 ratings


def first_card(page):
    card = shelf(page, "For you").locator(".card").first
    expect(card).to_be_visible()
    return card, card.get_attribute("data-film")


def test_half_stars_by_mouse_are_stored_and_the_shelf_follows_without_a_reload(visit, stored):
    page = visit("mouse").page
    page.evaluate("window.sameDocument = true")
    row = shelf(page, "For you")
    card, film = first_card(page)
    rate(page, card.get_by_role("slider"), 3.5)
    becomes(page, lambda: stored("mouse"), lambda ratings: ratings == {film: 3.5})
    expect(row.locator(f"[data-film='{film}']")).to_have_count(0)
    expect(page.get_by_role("region", name="Popular", exact=True)).to_be_visible()
    assert page.evaluate("window.sameDocument")


def test_zero_is_a_rating_and_removing_is_another_act(visit, stored):
    page = visit("zero", "/#/film/6").page
    stars = slider(page, "Gravity Orchard")
    rate(page, stars, 0)
    expect(stars).to_have_attribute("aria-valuetext", "0 of 5 stars")
    becomes(page, lambda: stored("zero"), lambda ratings: ratings == {"6": 0.0})
    page.get_by_role("button", name="Remove your rating of Gravity Orchard").click()
    expect(stars).to_have_attribute("aria-valuetext", "not rated")
    becomes(page, lambda: stored("zero"), lambda ratings: ratings == {})


def test_a_rating_is_changed_and_each_act_can_be_undone(visit, stored):
    page = visit("undo", "/#/film/6").page
    stars = slider(page, "Gravity Orchard")
    rate(page, stars, 2)
    becomes(page, lambda: stored("undo"), lambda ratings: ratings == {"6": 2.0})
    rate(page, stars, 4.5)
    becomes(page, lambda: stored("undo"), lambda ratings: ratings == {"6": 4.5})
    page.get_by_role("button", name="Undo").last.click()
    expect(stars).to_have_attribute("aria-valuetext", "2 of 5 stars")
    becomes(page, lambda: stored("undo"), lambda ratings: ratings == {"6": 2.0})
    page.get_by_role("button", name="Remove your rating of Gravity Orchard").click()
    becomes(page, lambda: stored("undo"), lambda ratings: ratings == {})
    page.keyboard.press("Control+z")
    becomes(page, lambda: stored("undo"), lambda ratings: ratings == {"6": 2.0})


def test_a_finger_rates_on_a_phone(visit, stored):
    page = visit("touch", "/#/film/6", viewport=PHONE, has_touch=True, is_mobile=True).page
    page.touchscreen.tap(*star_at(slider(page, "Gravity Orchard"), 3))
    becomes(page, lambda: stored("touch"), lambda ratings: ratings == {"6": 3.0})


def test_the_whole_way_by_keyboard_alone(visit, stored):
    page = visit("keyboard").page
    expect(shelf(page, "For you").locator(".card").first).to_be_visible()
    page.keyboard.press("/")
    expect(page.locator("#query")).to_be_focused()
    page.keyboard.type("gravty orchard")
    expect(page.get_by_role("list", name="Titles").get_by_role("link", name="Gravity Orchard")).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Gravity Orchard").first).to_be_focused()
    page.keyboard.press("Tab")
    stars = slider(page, "Gravity Orchard")
    expect(stars).to_be_focused()
    page.keyboard.press("4")
    page.keyboard.press("ArrowRight")
    expect(stars).to_have_attribute("aria-valuetext", "4.5 of 5 stars")
    becomes(page, lambda: stored("keyboard"), lambda ratings: ratings == {"6": 4.5})
    expect(stars).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    becomes(page, lambda: stored("keyboard"), lambda ratings: ratings == {"6": 0.0})
    page.keyboard.press("Delete")
    becomes(page, lambda: stored("keyboard"), lambda ratings: ratings == {})
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Gravity Orchard")


def test_rating_the_focused_card_by_keyboard_leaves_the_focus_in_the_row(visit):
    page = visit(MANY).page
    row = shelf(page, "For you")
    card, film = first_card(page)
    card.get_by_role("slider").focus()
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    becomes(page, lambda: shown(row), lambda films: films and film not in films)
    assert page.evaluate("document.activeElement.closest('.row') !== null")
