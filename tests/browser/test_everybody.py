"""Whoever looks: small screens, dark and light, screen readers, less motion."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, becomes, shelf

ADDRESSES = ["/#/", "/#/film/6", "/#/films", "/#/together", "/#/sequence", "/#/search/orbit"]

# Elements that one can act on but that have no name for a screen reader.
NAMELESS = """
() => [...document.querySelectorAll("a, button, input, select, [role=slider]")]
    .filter((one) => one.offsetParent !== null && !one.closest("[aria-hidden=true]"))
    .filter((one) => !(one.getAttribute("aria-label") || one.textContent.trim() || one.labels?.length || one.title))
    .map((one) => one.outerHTML.slice(0, 120))
"""

# Buttons that a finger would miss.
SMALL = """
() => [...document.querySelectorAll("main button, .tabs a")]
    .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 24).map((one) => one.outerHTML)
"""

# Texts whose contrast with what is behind them is below 4.5 (3 for large ones), covers and the feature left aside:
# those have their own colours, and their title stands beside them.
FAINT = """
() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
    const probe = canvas.getContext("2d", { willReadFrequently: true });
    const rgba = (colour) => {
        probe.clearRect(0, 0, 1, 1);
        probe.fillStyle = colour;
        probe.fillRect(0, 0, 1, 1);
        return [...probe.getImageData(0, 0, 1, 1).data];
    };
    const light = ([r, g, b]) => [r, g, b].map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
    const behind = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const colour = rgba(getComputedStyle(one).backgroundColor);
            if (colour[3] > 250) return colour;
        }
        return [255, 255, 255, 255];
    };
    const texts = [...document.querySelectorAll("body *")].filter((one) => one.offsetParent !== null
        && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim())
        && !one.closest(".cover, .feature, .unseen, .skip, .zero, button:disabled"));
    return texts.map((one) => {
        const style = getComputedStyle(one);
        const [front, back] = [light(rgba(style.color)), light(behind(one))];
        const contrast = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.6 && style.fontWeight >= 700);
        return [contrast, large ? 3 : 4.5, one.textContent.trim().slice(0, 40)];
    }).filter(([contrast, least]) => contrast < least);
}
"""


def settled(page, address):
    page.goto(page.url.split("#")[0] + address.removeprefix("/"))
    ready = {
        "/#/": ".card",
        "/#/film/6": ".card",
        "/#/films": ".line",
        "/#/together": ".person",
        "/#/search/orbit": ".line",
    }
    expect(page.locator(ready.get(address, "form.sequence-form")).first).to_be_visible()


def test_nothing_is_wider_than_a_phone(visit):
    page = visit("18", viewport=PHONE, has_touch=True, is_mobile=True).page
    for address in ADDRESSES:
        settled(page, address)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= PHONE["width"], address
        small = page.evaluate(SMALL)
        assert not small, small


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_and_every_control_has_a_name(visit, scheme):
    page = visit("18", color_scheme=scheme).page
    for address in ADDRESSES:
        settled(page, address)
        assert not page.evaluate(NAMELESS), address
        assert not page.evaluate(FAINT), address


def test_what_happened_is_said_and_landmarks_are_there(visit):
    page = visit("reader").page
    expect(page.get_by_role("main")).to_be_visible()
    expect(page.get_by_role("banner")).to_be_visible()
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
    expect(page.get_by_role("search")).to_be_visible()
    card = shelf(page, "For you").locator(".card").first
    card.get_by_role("slider").focus()
    page.keyboard.press("5")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("up to date")


def test_the_colours_follow_a_choice_of_ones_own(visit):
    page = visit("18", color_scheme="light").page
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Signed in as 18").click()
    page.get_by_text("dark", exact=True).click()
    assert page.evaluate(background) != light
    page.reload()
    becomes(page, lambda: page.evaluate(background), lambda colour: colour != light)
