"""The catalogue in `movie_index`: a document a film, its title's n-grams beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from indexer.batches import batches
from indexer.checks import movie_problem
from indexer.elasticsearch_store.reading import MOST_HITS, by_id, passes, scan, search, total
from indexer.elasticsearch_store.settling import settle
from indexer.elasticsearch_store.writing import MOST_ATTEMPTS, Action, Writer, guarded
from indexer.folding import fold_title, ngrams, searched
from indexer.text import TEXT_RECIPE, text_hash
from indexer.types import EVERYTHING, Failure, Movie, MovieFilter, WriteReport

FILMS_A_BATCH = 1_000
_MOST_GRAMS = 256  # of a query; a longer text is recognised by its beginning
_WITHOUT_GRAMS = {"excludes": ["title_grams"]}


class ElasticsearchMovies:
    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._client = writer.client
        self._indices = writer.indices
        self._index = writer.names.movies

    def get(self, ids: Sequence[str]) -> dict[str, Movie]:
        hits = by_id(self._client, self._index, ids, source_excludes=_WITHOUT_GRAMS["excludes"])
        return {movie_id: _movie(hit["_source"]) for movie_id, hit in hits.items()}

    def put(self, movies: Iterable[Movie]) -> WriteReport:
        self._indices.ensure()
        written = 0
        failures: list[Failure] = []
        for batch in batches(movies, FILMS_A_BATCH):
            sound: dict[str, Movie] = {}
            refused: list[Failure] = []
            for movie in batch:
                if problem := movie_problem(movie):
                    refused.append(Failure(movie.id, problem))
                else:
                    sound[movie.id] = movie
            refused += self._write(sound)
            written += len(batch) - len(refused)
            failures += refused
        self._refresh()
        return WriteReport(written, tuple(failures))

    def delete(self, ids: Sequence[str]) -> int:
        deleted = 0
        for batch in batches(ids, FILMS_A_BATCH):
            known = list(by_id(self._client, self._index, batch, source=False))
            outcome = self._writer.bulk({"_op_type": "delete", "_index": self._index, "_id": i} for i in known)
            deleted += len(outcome.written)
            settle(self._writer, batch)
        self._refresh()
        return deleted

    def find_titles(self, text: str, limit: int, where: MovieFilter = EVERYTHING) -> list[Movie]:
        grams = searched(text)[:_MOST_GRAMS]
        if not grams or limit < 1:
            return []
        likeness = {"match": {"title_grams": {"query": " ".join(grams)}}}
        answer = search(
            self._client,
            self._index,
            query={"bool": {"must": likeness, "filter": passes(where) or []}},
            size=min(limit, MOST_HITS),
            sort=[{"_score": "desc"}, {"movie_id": "asc"}],
            source=_WITHOUT_GRAMS,
            track_total_hits=False,
        )
        return [_movie(hit["_source"]) for hit in answer["hits"]["hits"]]

    def matching(self, where: MovieFilter, limit: int) -> list[str]:
        found: list[str] = []
        while len(found) < limit:
            size = min(limit - len(found), MOST_HITS)
            answer = search(
                self._client,
                self._index,
                query=passes(where) or {"match_all": {}},
                size=size,
                sort=[{"movie_id": "asc"}],
                search_after=found[-1:] or None,
                source=False,
                track_total_hits=False,
            )
            hits = answer["hits"]["hits"]
            found += (hit["_id"] for hit in hits)
            if len(hits) < size:
                break
        return found

    def genres(self) -> dict[str, int]:
        by_genre = {"terms": {"field": "genres", "size": MOST_HITS}}
        answer = search(self._client, self._index, size=0, aggs={"genres": by_genre}, track_total_hits=False)
        buckets = answer.get("aggregations", {}).get("genres", {}).get("buckets", ())
        return {bucket["key"]: int(bucket["doc_count"]) for bucket in buckets}

    def pending(self) -> Iterator[Movie]:
        self._rehash()
        return self._scan({"term": {"vector_pending": True}})

    def scan(self) -> Iterator[Movie]:
        return self._scan({"match_all": {}})

    def count(self) -> int:
        return total(self._client, self._index)

    def _write(self, movies: Mapping[str, Movie]) -> list[Failure]:
        """Write what differs from what is there; nobody's change in between is overwritten unseen."""
        failures: list[Failure] = []
        waiting: Iterable[str] = movies
        for _ in range(MOST_ATTEMPTS):
            stored = by_id(self._client, self._index, waiting)
            outcome = self._writer.bulk(a for i in waiting if (a := self._action(movies[i], stored.get(i))))
            failures += outcome.failures
            waiting = outcome.conflicts
            if not waiting:
                break
        failures += [Failure(movie_id, "others kept changing this film at the same time") for movie_id in waiting]
        if self._indices.behind(self._indices.names.vectors) is not None:
            settle(self._writer, list(movies))
        return failures

    def _action(self, movie: Movie, stored: Mapping[str, Any] | None) -> Action | None:
        document = _document(movie)
        target = {"_index": self._index, "_id": movie.id}
        if stored is None:
            return {**target, "_op_type": "create", "_source": {**document, "vector_pending": True}}
        old = stored["_source"]
        pending = old["vector_pending"] or old["text_hash"] != document["text_hash"]
        document["vector_pending"] = pending
        return None if document == old else {**target, **guarded(stored), "_source": document}

    def _rehash(self) -> None:
        """After the recipe of the text changed: new hashes for all, so that all become pending."""
        meta = self._indices.meta(self._index)
        if meta is not None and meta["recipe"] != TEXT_RECIPE:
            self.put(self.scan())
            self._client.indices.put_mapping(index=self._index, meta={"recipe": TEXT_RECIPE})

    def _scan(self, query: Mapping[str, Any]) -> Iterator[Movie]:
        documents = scan(self._client, self._index, "movie_id", page=FILMS_A_BATCH, query=query, source=_WITHOUT_GRAMS)
        return map(_movie, documents)

    def _refresh(self) -> None:
        self._writer.refresh(self._index, self._indices.names.vectors)


def _document(movie: Movie) -> dict[str, Any]:
    return {
        "movie_id": movie.id,
        "title": movie.title,
        "genres": list(movie.genres),
        "tags": list(movie.tags),
        "year": movie.year,
        "imdb_id": movie.imdb_id,
        "tmdb_id": movie.tmdb_id,
        "keywords": list(movie.keywords),
        "cast": list(movie.cast),
        "director": list(movie.director),
        "overview": movie.overview,
        "text_hash": text_hash(movie),
        "title_grams": " ".join(ngrams(fold_title(movie.title))),
    }


def _movie(source: Mapping[str, Any]) -> Movie:
    return Movie(
        source["movie_id"],
        source["title"],
        tuple(source["genres"]),
        tuple(source["tags"]),
        source["year"],
        source["imdb_id"],
        source["tmdb_id"],
        tuple(source.get("keywords", ())),  # absent from documents of earlier versions
        tuple(source.get("cast", ())),
        tuple(source.get("director", ())),
        source.get("overview", ""),
    )
