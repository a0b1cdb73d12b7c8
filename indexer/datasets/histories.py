"""A data set's ratings as histories, user by user in ascending order, without a store in between.

For exporting a data set straight from its files. Columns of numbers are sorted in memory: about 40 bytes a rating at
the peak, so the 32 million of the largest MovieLens take some 1.3 GB.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import count

import numpy as np

from indexer.datasets.dataset import Dataset
from indexer.merge import UserDocument, merge
from indexer.types import History, Rating

IMPLIED_RATING = 4.0  # stands for "seen" where a data set has sequences but no ratings: liked, by any cut


def histories(dataset: Dataset) -> Iterator[tuple[str, History]]:
    """Each user with at least one rating, ascending by id, oldest rating first, ties as they came in the file.

    Of a film rated twice the later time counts. A data set without ratings but with sequences gives those: times are
    0, 1, 2, ... and every rating is `IMPLIED_RATING`.
    """
    users: dict[str, int] = {}
    movies: dict[str, int] = {}
    at_user, at_movie, values, times = array("I"), array("I"), array("f"), array("q")
    for user, rating in _ratings(dataset):
        at_user.append(users.setdefault(user, len(users)))
        at_movie.append(movies.setdefault(rating.movie_id, len(movies)))
        values.append(rating.rating)
        times.append(rating.timestamp)
    user_ids, movie_ids = list(users), list(movies)
    of_user, of_movie = np.frombuffer(at_user, np.uint32), np.frombuffer(at_movie, np.uint32)  # (N,)
    by_name = np.argsort(np.array(user_ids, dtype=object))  # (U,) numbers of the users, in order of their ids
    place = np.empty(len(user_ids), np.uint32)
    place[by_name] = np.arange(len(user_ids), dtype=np.uint32)
    order = np.lexsort((np.frombuffer(times, np.int64), place[of_user]))  # (N,) stable: ties stay as they came
    ends = np.cumsum(np.bincount(of_user, minlength=len(user_ids))[by_name])
    start = 0
    for user_number, end in zip(by_name, ends, strict=True):
        rows, start = order[start:end], end
        history = History(
            tuple(movie_ids[number] for number in of_movie[rows].tolist()),
            tuple(np.frombuffer(values, np.float32)[rows].tolist()),
            tuple(np.frombuffer(times, np.int64)[rows].tolist()),
        )
        repeats = len(set(history.movie_ids)) < len(history)
        yield user_ids[user_number], _without_repeats(history) if repeats else history


def _ratings(dataset: Dataset) -> Iterator[tuple[str, Rating]]:
    if "ratings" in dataset.tables or not dataset.has_sequences:
        yield from dataset.ratings()
        return
    positions: dict[str, count[int]] = {}
    for user, movie in dataset.sequences():
        yield user, Rating(movie, IMPLIED_RATING, next(positions.setdefault(user, count())))


def _without_repeats(history: History) -> History:
    columns = zip(history.movie_ids, history.ratings, history.timestamps, strict=True)
    return merge(UserDocument(), [Rating(*row) for row in columns], longest=len(history)).history
