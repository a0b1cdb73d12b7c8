"""The drawn covers: a title is whole, whatever its words and its lettering."""

from __future__ import annotations

from playwright.sync_api import expect

# Words of real titles, in the letterings of these genres.
WORDS = ["Spotlight", "Transporter", "Bushwhacked", "Unknown", "Dampfnudelblues", "Hitchcock/Truffaut", "It", "Heat"]
GENRES = ["Crime", "Sci-Fi", "War", "Comedy", "Drama", "Romance", "(none)"]

BROKEN = """
async ([words, genres, width]) => {
    const { cover } = await import("/static/cover.js");
    const films = words.flatMap((word) => genres.map((genre) => ({ title: `The ${word} of Men`, genres: [genre] })));
    const covers = films.map((film) => cover(film));
    const shelf = document.createElement("div");
    shelf.style.cssText = `display: grid; grid-template-columns: repeat(7, ${width}px)`;
    shelf.append(...covers);
    document.body.replaceChildren(shelf);
    await document.fonts.ready;
    return covers.flatMap((one) => {
        const text = one.querySelector(".cover-title").firstChild;
        const word = text.data.split(" ")[1];
        const range = document.createRange();
        range.setStart(text, 4);
        range.setEnd(text, 4 + word.length);
        const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
        return lines.size > 1 ? [`${word} in ${one.className}`] : [];
    });
}
"""


def test_no_word_is_broken(visit):
    page = visit().page
    expect(page.locator(".cover").first).to_be_visible()
    for width in (110, 190):
        assert page.evaluate(BROKEN, [WORDS, GENRES, width]) == []
