"""Find films by title as you type, by meaning, or both fused. Search text is data: there is no query syntax."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from core_api.fusion import fused
from core_api.popular import Popular
from core_api.rules import Rules
from embedding_generator.client import Embedder
from indexer.ports import Stores
from indexer.titles import rank_titles
from indexer.types import Movie, MovieFilter, Scored
from service_kit.deadline import DeadlineExceeded
from service_kit.errors import InvalidRequest, ModelUnavailable, UpstreamUnavailable

Mode = Literal["title", "semantic", "hybrid"]
CANDIDATES = 200  # titles that share letters with the text, to be ranked well


@dataclass(frozen=True, slots=True)
class Found:
    items: tuple[tuple[Movie, float], ...]  # best first, with a score whose order alone means something
    mode: Mode  # the one that answered
    fallback_reason: str | None


class _CannotEmbed(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Search:
    def __init__(self, stores: Stores, embedder: Embedder | None, popular: Popular) -> None:
        self._stores = stores
        self._embedder = embedder
        self._popular = popular

    def find(self, text: str, mode: Mode, where: MovieFilter, k: int, min_ratings: int = 0) -> Found:
        """Up to k films. Where the text cannot be embedded, titles answer and the reason is told."""
        rules = Rules(where, None, min_ratings, self._popular.chart().counts if min_ratings else {})
        reason = None
        if mode != "title":
            try:
                near = self._by_meaning(text, rules, k if mode == "semantic" else 2 * k)
                if mode == "semantic":
                    return Found(self._films(near, k), mode, None)
                titles = [film.id for film in self._by_title(text, rules, 2 * k)]
                return Found(self._films(fused([titles, [film.id for film in near]]), k), mode, None)
            except _CannotEmbed as why:
                reason = why.reason
        return Found(self._films(self._by_title(text, rules, k), k), "title", reason)

    def _by_title(self, text: str, rules: Rules, k: int) -> list[Scored]:
        candidates = self._stores.movies.find_titles(text, max(CANDIDATES, 2 * k), rules.where)
        return rank_titles(text, [film for film in candidates if rules.rated_enough(film.id)], k)

    def _by_meaning(self, text: str, rules: Rules, k: int) -> list[Scored]:
        space = self._stores.vectors.space()
        if space is None or self._embedder is None:
            raise _CannotEmbed("no_vectors")
        try:
            answer = self._embedder.embed([text])
        except DeadlineExceeded:
            raise _CannotEmbed("deadline") from None
        except (UpstreamUnavailable, ModelUnavailable):
            raise _CannotEmbed("embedding_unavailable") from None
        except InvalidRequest:  # the model makes nothing of this text
            raise _CannotEmbed("no_meaning") from None
        if (answer.model, answer.vectors.shape[1]) != (space.model, space.dimension):
            raise _CannotEmbed("vectors_of_another_model")
        wanted = 5 * k + 100 if rules.min_ratings else k
        near = self._stores.vectors.nearest(answer.vectors, wanted, rules.where)
        return [film for film in near if rules.rated_enough(film.id)][:k]

    def _films(self, ranked: Sequence[Scored], k: int) -> tuple[tuple[Movie, float], ...]:
        films = self._stores.movies.get([film.id for film in ranked])
        return tuple((films[film.id], film.score) for film in ranked if film.id in films)[:k]
