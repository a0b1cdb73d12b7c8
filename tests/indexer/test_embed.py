"""Embedding: what is pending gets its vector, what fails stays pending, a rebuild loses no film."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from indexer import open_stores
from indexer.embed import embed_pending, rebuild_vectors
from indexer.ports import Stores
from indexer.text import TEXT_RECIPE, movie_text
from indexer.types import Movie, VectorSpace
from service_kit.errors import InvalidRequest, UpstreamUnavailable, VectorSpaceMismatch
from tests.support.hash_embedder import HashEmbedder

FILMS = [Movie(f"{n:02}", f"Film {n}", ("Drama",) if n % 2 else ("Comedy",)) for n in range(25)]


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    opened = open_stores(f"sqlite:///{tmp_path}/s.db")
    opened.movies.put(FILMS)
    yield opened
    opened.close()


def pending(stores: Stores) -> list[str]:
    return [movie.id for movie in stores.movies.pending()]


def test_all_pending_films_are_embedded_in_batches_and_found_by_their_text(stores: Stores) -> None:
    embedder = HashEmbedder()
    report = embed_pending(stores, embedder, batch=10)
    assert (report.written, report.failures) == (25, ())
    assert [(len(texts), bulk) for texts, bulk in embedder.calls] == [(10, True), (10, True), (5, True)]
    assert stores.vectors.space() == VectorSpace("hash@1", 16, TEXT_RECIPE)
    assert pending(stores) == []
    query = embedder.embed([movie_text(FILMS[7])]).vectors
    assert stores.vectors.nearest(query, 1)[0].id == "07"


def test_a_second_run_embeds_only_what_has_changed(stores: Stores) -> None:
    embed_pending(stores, HashEmbedder())
    stores.movies.put([replace(FILMS[3], tags=("new",)), Movie("99", "Newest"), replace(FILMS[4], imdb_id="tt1")])
    embedder = HashEmbedder()
    assert embed_pending(stores, embedder).written == 2
    assert sorted(embedder.embedded) == ["Film 3. Drama. new", "Newest"]
    nothing_left = HashEmbedder()
    assert embed_pending(stores, nothing_left).written == 0
    assert nothing_left.calls == []


def test_single_films_are_embedded_before_bulk_work(stores: Stores) -> None:
    embedder = HashEmbedder()
    assert embed_pending(stores, embedder, ids=["03", "nobody"]).written == 1
    assert embedder.calls == [(["Film 3. Drama"], False)]
    assert len(pending(stores)) == 24


def test_what_an_embedder_that_fails_has_not_done_stays_pending(stores: Stores) -> None:
    def fail_at_the_second_batch(_: Sequence[str]) -> None:
        if stores.vectors.count():
            raise UpstreamUnavailable("the embedding service does not answer")

    with pytest.raises(UpstreamUnavailable):
        embed_pending(stores, HashEmbedder(before=fail_at_the_second_batch), batch=10)
    assert pending(stores) == [film.id for film in FILMS[10:]]
    assert embed_pending(stores, HashEmbedder()).written == 15
    assert pending(stores) == []


def refuse(*films: Movie) -> HashEmbedder:
    """An embedder that takes all texts of a call or none, and never those of these films."""
    refused = {movie_text(film) for film in films}

    def check(texts: Sequence[str]) -> None:
        for text in texts:
            if text in refused:
                raise InvalidRequest(f"no direction for {text!r}")

    return HashEmbedder(before=check)


def test_a_text_that_is_always_refused_holds_back_no_other(stores: Stores) -> None:
    embedder = refuse(FILMS[0], FILMS[13])
    report = embed_pending(stores, embedder, batch=10)
    assert report.written == 23
    assert [(failed.id, failed.reason) for failed in report.failures] == [
        ("00", "no direction for 'Film 0. Comedy'"),
        ("13", "no direction for 'Film 13. Drama'"),
    ]
    assert pending(stores) == ["00", "13"]
    assert len(embedder.calls) <= 3 + 2 * 4  # three batches; halving one of ten takes four steps
    stores.movies.put([Movie("99", "Newest")])
    assert embed_pending(stores, embedder).written == 1
    stores.movies.put([replace(FILMS[13], title="Another text")])
    assert embed_pending(stores, embedder).written == 1
    assert pending(stores) == ["00"]


def test_a_rebuild_goes_on_without_a_text_that_is_refused(stores: Stores) -> None:
    embed_pending(stores, HashEmbedder())
    report = rebuild_vectors(stores, refuse(FILMS[7]), batch=10)
    assert (report.written, [failed.id for failed in report.failures]) == (24, ["07"])
    assert pending(stores) == ["07"]


def test_vectors_of_another_model_never_mix_in(stores: Stores) -> None:
    embed_pending(stores, HashEmbedder())
    stores.movies.put([Movie("99", "Newest")])
    for other in (HashEmbedder(model="hash@2"), HashEmbedder(dimension=8)):
        with pytest.raises(VectorSpaceMismatch, match="--rebuild"):
            embed_pending(stores, other)
    assert pending(stores) == ["99"]
    assert stores.vectors.count() == 25


def test_a_rebuild_replaces_all_vectors_by_those_of_the_new_model(stores: Stores) -> None:
    embed_pending(stores, HashEmbedder())
    new = HashEmbedder(model="hash@2", dimension=8)
    assert rebuild_vectors(stores, new, batch=10).written == 25
    assert stores.vectors.space() == VectorSpace("hash@2", 8, TEXT_RECIPE)
    assert (stores.vectors.count(), pending(stores)) == (25, [])
    assert stores.vectors.nearest(new.embed([movie_text(FILMS[7])]).vectors, 1)[0].id == "07"


def test_films_written_during_a_rebuild_get_their_vectors_too(stores: Stores) -> None:
    embed_pending(stores, HashEmbedder())
    calls = 0

    def write_meanwhile(texts: Sequence[str]) -> None:
        nonlocal calls
        calls += bool(texts)
        if calls == 2:
            stores.movies.put([Movie("00a", "Before what was scanned"), replace(FILMS[0], title="Retitled")])
            stores.movies.delete(["24"])

    assert rebuild_vectors(stores, HashEmbedder("hash@2", before=write_meanwhile), batch=10).failures == ()
    assert pending(stores) == []
    assert stores.vectors.count() == stores.movies.count() == 25
    query = HashEmbedder("hash@2").embed(["Retitled. Comedy"]).vectors
    assert stores.vectors.nearest(query, 1)[0].id == "00"


def test_films_that_never_stop_changing_do_not_hold_a_rebuild_up(stores: Stores) -> None:
    embed_pending(stores, HashEmbedder())
    calls = 0

    def write_meanwhile(texts: Sequence[str]) -> None:
        nonlocal calls
        if texts:
            calls += 1
            stores.movies.put([replace(FILMS[0], title=f"Title {calls}")])

    rebuild_vectors(stores, HashEmbedder("hash@2", before=write_meanwhile), batch=100)
    assert calls < 10
    assert stores.vectors.space() == VectorSpace("hash@2", 16, TEXT_RECIPE)
    assert pending(stores) == ["00"]


def test_a_failed_rebuild_leaves_the_old_vectors_answering(stores: Stores) -> None:
    old = HashEmbedder()
    embed_pending(stores, old)

    def fail_late(texts: Sequence[str]) -> None:
        if movie_text(FILMS[20]) in texts:
            raise UpstreamUnavailable("the embedding service does not answer")

    with pytest.raises(UpstreamUnavailable):
        rebuild_vectors(stores, HashEmbedder("hash@2", before=fail_late), batch=10)
    assert stores.vectors.space() == VectorSpace("hash@1", 16, TEXT_RECIPE)
    assert stores.vectors.nearest(old.embed([movie_text(FILMS[7])]).vectors, 1)[0].id == "07"
    assert pending(stores) == []
