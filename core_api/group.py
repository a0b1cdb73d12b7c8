"""Films for several people together: nothing that any of them has rated, ranked by what each of them would get.

Scores of two people have no common scale, places have. `average` adds up reciprocal places (`core_api.fusion`): a film
that some are drawn to most comes first. `least_misery` goes by the worst place that a film has with anybody: nobody is
given what they would put last. A film that is not near the top of somebody's ranking counts as the one after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core_api.fusion import fused
from core_api.recommend import STRATEGIES, Recommend, without_rules
from core_api.wishes import Aggregate, Answer, Item, Member, Reasons, Wish
from indexer.ports import UserStore
from indexer.types import History, Movie, Scored

_LEAST_TOP = 200  # films of each member's ranking that are compared


@dataclass(frozen=True, slots=True)
class _Ranked:
    user_id: str
    history: History
    answer: Answer
    places: Mapping[str, int]  # of the films, from 1


class Group:
    def __init__(self, users: UserStore, recommend: Recommend) -> None:
        self._users = users
        self._recommend = recommend

    def recommend(self, user_ids: Sequence[str], wish: Wish, aggregate: Aggregate = "average") -> Answer:
        """Each user counts once. The strategy told is the worst of the members'."""
        histories = {user_id: self._users.history(user_id) for user_id in user_ids}
        everything = _joined(list(histories.values()))
        each = replace(wish, k=max(_LEAST_TOP, 5 * wish.k), diversity=0.0, explain=False)
        rated = tuple(dict.fromkeys(everything.movie_ids))
        members = [self._ranked(user_id, history, each, rated) for user_id, history in histories.items()]
        items = self._recommend.ordered(_together(members, aggregate), wish)
        worst = max((member.answer for member in members), key=lambda answer: STRATEGIES.index(answer.strategy))
        answer = replace(
            worst,
            items=tuple(self._reasons(members, items, wish)),
            history_length=len(everything),
            members=tuple(_member(member) for member in members),
        )
        if not wish.filtered:
            return answer
        free = [self._ranked(member.user_id, member.history, without_rules(wish), rated) for member in members]
        best = _together(free, aggregate)[: without_rules(wish).k]
        return replace(answer, filtered=self._recommend.kept_out(best, everything, wish))

    def _ranked(self, user_id: str, history: History, wish: Wish, rated: Sequence[str]) -> _Ranked:
        answer = self._recommend.ranked(history, replace(wish, exclude=(*wish.exclude, *rated)))
        return _Ranked(
            user_id, history, answer, {item.movie.id: place for place, item in enumerate(answer.items, start=1)}
        )

    def _reasons(self, members: Sequence[_Ranked], items: Sequence[Item], wish: Wish) -> list[Item]:
        """Each film with its place in each member's ranking and, if asked for, what of their history carries it."""
        ids = [item.movie.id for item in items]
        told: dict[str, list[Reasons]] = {movie_id: [] for movie_id in ids}
        for member in members:
            answer = member.answer
            named = (
                self._recommend.explain.because(ids, answer.strategy, answer.model, member.history, wish)
                if wish.explain
                else {}
            )
            for movie_id in ids:
                place = member.places.get(movie_id)
                told[movie_id].append(Reasons(member.user_id, place, named.get(movie_id, ())))
        return [
            replace(item, because=_distinct(told[item.movie.id]), for_each=tuple(told[item.movie.id])) for item in items
        ]


def _together(members: Sequence[_Ranked], aggregate: Aggregate) -> list[Item]:
    """The films of all rankings, best first for the group."""
    films = {item.movie.id: item.movie for member in members for item in member.answer.items}
    average = fused([list(member.places) for member in members])
    if aggregate == "average":
        return [Item(films[film.id], film.score) for film in average]
    worst = [Scored(film.id, -max(_place(member, film.id) for member in members)) for film in average]
    worst.sort(key=lambda film: -film.score)  # stable: ties stay in the order of the average
    return [Item(films[film.id], film.score) for film in worst]


def _place(member: _Ranked, movie_id: str) -> int:
    return member.places.get(movie_id, len(member.places) + 1)


def _member(ranked: _Ranked) -> Member:
    answer = ranked.answer
    return Member(ranked.user_id, answer.strategy, answer.model, answer.fallback_reason, answer.history_length)


def _distinct(told: Sequence[Reasons]) -> tuple[Movie, ...]:
    return tuple({film.id: film for reasons in told for film in reasons.because}.values())


def _joined(histories: Sequence[History]) -> History:
    return History(
        tuple(movie_id for history in histories for movie_id in history.movie_ids),
        tuple(rating for history in histories for rating in history.ratings),
        tuple(timestamp for history in histories for timestamp in history.timestamps),
    )
