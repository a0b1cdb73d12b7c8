"""One's own data in, out and gone; and a server that wants a key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from service_kit.keys import digest
from tests.browser.conftest import becomes, served, shelf

LETTERBOXD = """Date,Name,Year,Letterboxd URI,Rating
2023-01-02,Gravity Orchard,2016,https://boxd.it/a,4.5
2023-01-03,The Quiet Engine,2011,https://boxd.it/b,5
2023-01-04,Nobody Made This,2020,https://boxd.it/c,3
2023-01-05,Ash Street Alibi,1995,https://boxd.it/d,nine
"""


@pytest.fixture
def export(tmp_path) -> Path:
    file = tmp_path / "ratings.csv"
    file.write_text(LETTERBOXD, encoding="utf-8")
    return file


def test_an_export_is_looked_at_first_then_imported_then_taken_along_then_forgotten(visit, stored, export, tmp_path):
    page = visit("mover", "/#/films").page
    page.get_by_role("button", name="Import").click()
    sheet = page.get_by_role("dialog", name="Import your history")
    sheet.get_by_label("Choose a file").set_input_files(export)
    expect(sheet).to_contain_text("2 matched")
    expect(sheet.get_by_role("row", name="Nobody Made This")).to_contain_text("4")
    expect(sheet.get_by_role("row", name="nine")).to_contain_text("5")
    assert stored("mover") == {}
    sheet.get_by_role("button", name="Import 2 ratings").click()
    expect(page.locator(".toast", has_text="2 ratings imported")).to_be_visible()
    assert stored("mover") == {"6": 4.5, "4": 5.0}
    expect(page.get_by_role("list", name="Your ratings")).to_contain_text("Gravity Orchard")

    with page.expect_download() as saved:
        page.get_by_role("button", name="Export for Letterboxd").click()
    saved.value.save_as(tmp_path / "out.csv")
    assert "Gravity Orchard" in (tmp_path / "out.csv").read_text(encoding="utf-8")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Export as JSON").click()
    saved.value.save_as(tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))

    page.get_by_role("button", name="Forget me").click()
    page.get_by_role("button", name="Keep my data").click()
    assert stored("mover")
    page.get_by_role("button", name="Forget me").click()
    page.get_by_role("button", name="Erase everything").click()
    becomes(page, lambda: stored("mover"), lambda ratings: ratings == {})
    expect(page.get_by_text("You have not rated anything yet.")).to_be_visible()


def test_a_file_that_is_no_export_is_said_to_be_none(visit, tmp_path):
    (tmp_path / "poem.csv").write_text("roses,are,red\n1,2,3\n", encoding="utf-8")
    watched = visit("poet", "/#/films")
    watched.expect("422")
    page = watched.page
    page.get_by_role("button", name="Import").click()
    page.get_by_label("Choose a file").set_input_files(tmp_path / "poem.csv")
    expect(page.get_by_role("dialog").get_by_role("alert")).not_to_be_empty()


def test_a_key_is_asked_for_once_and_works_from_then_on(visit, tmp_path_factory):
    keys = f"write:{digest('open-sesame')}"
    with served(tmp_path_factory.mktemp("keys"), api_keys=keys) as url:
        watched = visit("18", at=url)
        watched.expect("401")
        page = watched.page
        page.get_by_role("textbox", name="API key").fill("wrong")
        page.get_by_role("button", name="Use this key").click()
        expect(page.get_by_text("That key is not known here.")).to_be_visible()
        page.get_by_role("textbox", name="API key").fill("open-sesame")
        page.get_by_role("button", name="Use this key").click()
        expect(shelf(page, "For you").locator(".card").first).to_be_visible()
        page.reload()
        expect(shelf(page, "For you").locator(".card").first).to_be_visible()
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.context.close()
