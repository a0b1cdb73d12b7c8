"""The sequence demo and watching together: recommendations that need no account, and those of several."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import becomes, shelf, shown


def test_the_example_is_filled_in_and_the_form_is_cleared(visit):
    page = visit(path="/#/sequence").page
    page.get_by_role("button", name="Try this example").click()
    fields = [page.get_by_label(name, exact=True) for name in ("Item sequence", "Avoided", "K")]
    for field, value in zip(fields, ["95510,88140", "86332", "5"], strict=True):
        expect(field).to_have_value(value)
    page.get_by_role("button", name="Clear form").click()
    for field, value in zip(fields, ["", "", "10"], strict=True):
        expect(field).to_have_value(value)


def test_films_are_added_from_the_search_results(visit):
    page = visit(path="/#/sequence").page
    page.get_by_role("searchbox", name="Find films for it").fill("lantern foxes")
    page.get_by_role("button", name="Add Lantern Foxes to sequence").first.click()
    page.get_by_role("button", name="Add Lantern Foxes 2: The Tide to avoided").first.click()
    expect(page.get_by_label("Item sequence", exact=True)).to_have_value("10")
    expect(page.get_by_label("Avoided", exact=True)).to_have_value("11")
    page.get_by_label("K", exact=True).fill("4")
    with page.expect_request("**/v1/recommendations") as asked:
        page.get_by_role("button", name="Submit").click()
    assert asked.value.post_data_json == {"explain": True, "sequence": ["10"], "avoid": ["11"], "k": 4}
    row = shelf(page, "What comes next")
    films = becomes(page, lambda: shown(row), lambda films: len(films) == 4)
    assert not {"10", "11"} & set(films)
    expect(row.locator(".why").first).to_contain_text("Lantern Foxes")


def test_ids_typed_by_hand_work_and_unknown_ones_are_named(visit):
    page = visit(path="/#/sequence").page
    page.get_by_label("Item sequence", exact=True).fill("6, 95510 3")
    page.get_by_label("Avoided", exact=True).fill("86332")
    page.get_by_role("button", name="Submit").click()
    expect(shelf(page, "What comes next").locator(".card")).to_have_count(10)
    expect(page.get_by_role("alert").filter(has_text="does not know")).to_contain_text("2 ids: 95510, 86332")
    expect(page.get_by_text("Gravity Orchard and Salt Moons of Verrane")).to_be_visible()


def test_a_film_is_sent_to_the_sequence_from_its_own_page(visit):
    page = visit(path="/#/film/6").page
    page.get_by_role("button", name="Add to sequence").click()
    page.get_by_role("button", name="Go there").click()
    expect(page.get_by_label("Item sequence", exact=True)).to_have_value("6")


def test_a_group_gets_films_that_none_has_seen_with_a_reason_for_each(visit, stored):
    page = visit("18", "/#/together").page
    for name in ("20", "nobody-yet"):
        page.get_by_label("Who else is watching?").fill(name)
        page.get_by_role("button", name="Add person").click()
    expect(page.get_by_role("list", name="Who is watching")).to_contain_text("nothing rated yet")
    page.get_by_role("button", name="Find films").click()
    row = shelf(page, "For all of you")
    films = becomes(page, lambda: shown(row), bool)
    assert not set(films) & (set(stored("18")) | set(stored("20")))
    for why in row.locator(".why").all_inner_texts():
        assert [line.split(":")[0] for line in why.splitlines()] == ["You", "20", "nobody-yet"]
    expect(row).to_contain_text("nobody-yet has not rated anything yet")
