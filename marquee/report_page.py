"""A portrait as one HTML file: no script, nothing from elsewhere, so it opens anywhere and can be sent to anybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files

from core_api.portrait import Cluster, Opinion, Point, Portrait
from core_api.wishes import Item
from indexer.folding import natural_title
from indexer.types import Movie

_WIDTH, _HEIGHT, _EDGE = 720, 400, 24  # of the map
_GENRES = 8


def page(portrait: Portrait) -> str:
    """The whole document."""
    style = files("marquee").joinpath("report.css").read_text("utf-8")
    name = escape(portrait.user_id)
    parts = [
        _head(portrait, name),
        _recommendations(portrait),
        _clusters(portrait),
        _map(portrait.points),
        _differences(portrait),
        _facts(portrait),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}: a taste in films</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in parts if part)
        + "\n<footer>Drawn by Marquee from the ratings alone.</footer>\n</main>\n</body>\n</html>\n"
    )


def _head(portrait: Portrait, name: str) -> str:
    likes = [genre for genre, ratio in portrait.genres if ratio > 1][:3]
    loves = f" More than most of what they see, they like {_and(map(escape, likes))}." if likes else ""
    return (
        f"<header><p class=eyebrow>A taste in films</p><h1>{name}</h1>"
        f"<p class=lead>{portrait.films:,} films rated, {portrait.mean:.1f} stars on average.{loves}</p></header>"
    )


def _recommendations(portrait: Portrait) -> str:
    if portrait.next is None or not portrait.next.items:
        return ""
    cards = "".join(f"<li>{_card(item)}</li>" for item in portrait.next.items)
    return f"<section><h2>What to see next</h2><ol class=cards>{cards}</ol></section>"


def _card(item: Item) -> str:
    reasons = _and(f"<em>{_title(film)}</em>" for film in item.because[:2])
    because = f"<p class=why>for liking {reasons}</p>" if reasons else ""
    return f"{_cover(item.movie)}<div><h3>{_title(item.movie)}</h3>{_small(item.movie)}{because}</div>"


def _clusters(portrait: Portrait) -> str:
    if not portrait.clusters:
        return ""
    shown = "".join(_cluster(number, cluster) for number, cluster in enumerate(portrait.clusters))
    odd = _films(portrait.outliers)
    outliers = f"<h3>And these, which are like nothing else in the list</h3>{odd}" if odd else ""
    return f"<section><h2>What draws them</h2><div class=clusters>{shown}</div>{outliers}</section>"


def _cluster(number: int, cluster: Cluster) -> str:
    name = " and ".join(map(escape, cluster.genres)) or "Films of one kind"
    return (
        f"<article class='cluster c{number}'><h3>{name}</h3><p class=small>{cluster.size} films, "
        f"{cluster.share:.0%} of what was liked</p>{_films(cluster.films)}</article>"
    )


def _films(films: Sequence[Movie]) -> str:
    rows = "".join(f"<li>{_title(film)} <span class=small>{film.year or ''}</span></li>" for film in films)
    return f"<ul class=films>{rows}</ul>" if films else ""


def _map(points: Sequence[Point]) -> str:
    if not points:
        return ""
    dots = "".join(map(_dot, points))
    return (
        "<section><h2>The map</h2><p class=small>Each dot is a rated film, near to films that are told about alike. "
        "Colours are the kinds above; a larger dot was liked more.</p>"
        f"<svg viewBox='0 0 {_WIDTH} {_HEIGHT}' role=img aria-label='Map of {len(points)} rated films'>{dots}</svg>"
        "</section>"
    )


def _dot(point: Point) -> str:
    x = _WIDTH / 2 + point.x * (_WIDTH / 2 - _EDGE)
    y = _HEIGHT / 2 - point.y * (_HEIGHT / 2 - _EDGE)
    kind = "none" if point.cluster is None else f"c{point.cluster}"
    label = f"{_title(point.film)}, {_stars(point.rating)}"
    return f"<circle class={kind} cx={x:.0f} cy={y:.0f} r={2 + point.rating:.1f}><title>{label}</title></circle>"


def _differences(portrait: Portrait) -> str:
    above = _opinions("Liked more than others do", portrait.above)
    below = _opinions("Liked less", portrait.below)
    return (
        f"<section><h2>Against the grain</h2><div class=pair>{above}{below}</div></section>" if above or below else ""
    )


def _opinions(heading: str, opinions: Sequence[Opinion]) -> str:
    rows = "".join(
        f"<tr><td>{_title(opinion.film)}</td><td>{_stars(opinion.rating)}</td><td>{opinion.others:.1f}</td></tr>"
        for opinion in opinions
    )
    head = "<tr><th scope=col>Film</th><th scope=col>Here</th><th scope=col>Others</th></tr>"
    return f"<div><h3>{heading}</h3><table>{head}{rows}</table></div>" if rows else ""


def _facts(portrait: Portrait) -> str:
    genres = dict(portrait.genres[:_GENRES])
    return (
        "<section><h2>In numbers</h2><div class=triple>"
        + _bars("Stars", {f"{star:g}": count for star, count in portrait.stars.items()})
        + _bars("Decades", {f"{decade}s": count for decade, count in portrait.decades.items()})
        + _bars("Genres, by how often they are liked", genres)
        + "</div></section>"
    )


def _bars(heading: str, values: Mapping[str, float]) -> str:
    most = max(values.values(), default=1)
    rows = "".join(
        f"<li><span>{escape(name)}</span><svg viewBox='0 0 100 8' preserveAspectRatio=none aria-hidden=true>"
        f"<rect width={100 * value / most:.1f} height=8 rx=2 /></svg>"
        f"<span>{value if isinstance(value, int) else f'{value:.1f}x'}</span></li>"
        for name, value in values.items()
    )
    return f"<div><h3>{heading}</h3><ul class=bars>{rows}</ul></div>" if rows else ""


def _cover(film: Movie) -> str:
    """A small drawn cover: a colour of its own and the first letter."""
    letter = next((c for c in natural_title(film.title) if c.isalnum()), "?").upper()
    hue = sum(film.title.encode()) * 47 % 360
    return (
        "<svg class=cover viewBox='0 0 60 84' aria-hidden=true>"
        f"<rect width=60 height=84 rx=6 fill='hsl({hue} 45% 32%)' />"
        f"<circle cx=46 cy=18 r=30 fill='hsl({(hue + 40) % 360} 55% 45%)' opacity=.5 />"
        f"<text x=30 y=54 text-anchor=middle>{escape(letter)}</text></svg>"
    )


def _title(film: Movie) -> str:
    return escape(natural_title(film.title))


def _small(film: Movie) -> str:
    facts = [str(film.year)] if film.year else []
    return f"<p class=small>{escape(', '.join([*facts, *film.genres[:3]]))}</p>"


def _stars(rating: float) -> str:
    return f"{rating:g} stars" if rating != 1 else "1 star"


def _and(words: Iterable[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    *first, last = [*words] or [""]
    return f"{', '.join(first)} and {last}" if first else last
