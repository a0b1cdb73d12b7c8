"""Vocabulary, training data and its reader, and the cut between liked and disliked."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from indexer import open_stores
from indexer.export import export
from recommender_api.data import DataError, TrainingData, read_training_data
from recommender_api.liking import disliked, liked
from recommender_api.vocabulary import Vocabulary
from tests.support import world


class TestVocabulary:
    def test_rows_ascend_with_the_id_so_that_ties_by_row_are_ties_by_id(self) -> None:
        vocabulary = Vocabulary.of(["9", "10", "2", "9"])
        assert vocabulary.ids == ("10", "2", "9")
        for wrong in (["b", "a"], ["a", "a"]):
            with pytest.raises(ValueError, match="ascend"):
                Vocabulary(wrong)

    def test_known_ids_become_rows_in_their_order_and_unknown_ones_are_named_once(self) -> None:
        rows, unknown = Vocabulary.of("abc").rows(["c", "x", "a", "c", "x", "y"])
        assert rows.dtype == np.int64
        assert list(rows) == [2, 0, 2]
        assert unknown == ["x", "y"]
        rows, unknown = Vocabulary(()).rows([])
        assert rows.dtype == np.int64

    def test_it_survives_json_with_any_id(self) -> None:
        vocabulary = Vocabulary.of(["é", '"', "\\", "日本", " "])
        assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary


def small() -> TrainingData:
    return TrainingData.from_columns(
        user_ids=["v", "u", "u", "v", "u"],
        item_ids=["3", "1", "2", "1", "3"],
        ratings=[1.0, 2.0, 3.0, 4.0, 5.0],
        timestamps=[5, 7, 6, 5, 6],
        titles={"1": "One"},
        years={"2": 1999},
        vectors={"2": np.array([1.0, 0.0]), "9": np.array([0.0, 1.0])},
        vector_space="m@1",
    )


class TestTrainingData:
    def test_columns_are_sorted_by_user_and_time_with_ties_as_they_came(self) -> None:
        data = small()
        assert data.vocabulary.ids == ("1", "2", "3")
        assert data.user_ids == ("u", "v")
        assert [data.vocabulary.ids[row] for row in data.items] == ["2", "3", "1", "3", "1"]
        assert list(data.ratings) == [3.0, 5.0, 2.0, 1.0, 4.0]
        assert list(data.timestamps) == [6, 6, 7, 5, 5]
        assert list(data.offsets) == [0, 3, 5]
        assert list(data.from_end()) == [2, 1, 0, 1, 0]
        assert data.global_mean == 3.0

    def test_facts_of_films_stand_at_their_rows_and_gaps_are_marked(self) -> None:
        data = small()
        assert data.titles == ("One", "", "")
        assert list(data.years) == [0, 1999, 0]
        assert data.vectors is not None
        assert data.has_vector is not None
        assert data.vectors.tolist() == [[0, 0], [1, 0], [0, 0]]
        assert list(data.has_vector) == [False, True, False]

    def test_a_selection_keeps_the_rows_of_films_and_users(self) -> None:
        part = small().select(np.array([False, False, False, True, True]))
        assert part.vocabulary.ids == ("1", "2", "3")
        assert [(history.user, list(history.items)) for history in part.histories()] == [(1, [2, 0])]
        assert len(part.history(0).items) == 0

    def test_nothing_is_data_too(self) -> None:
        empty = small().select(np.zeros(5, bool))
        assert list(empty.histories()) == []
        assert len(empty.from_end()) == 0
        assert TrainingData.from_columns([], [], [], []).n_items == 0

    def test_the_fingerprint_follows_the_ratings_and_their_order(self) -> None:
        data = small()
        assert data.fingerprint == small().fingerprint
        assert data.fingerprint != replace(data, ratings=data.ratings + 0.5).fingerprint
        assert data.fingerprint != replace(data, items=data.items[::-1]).fingerprint
        assert data.fingerprint != data.select(np.arange(5) < 4).fingerprint


def write_export(folder: Path, ratings: dict[str, list[Any]], *, vectors: bool = True) -> Path:
    """A folder in the format of `marquee export`, written by hand."""
    folder.mkdir()
    schema = {"user_id": pa.string(), "movie_id": pa.string(), "rating": pa.float32(), "timestamp": pa.int64()}
    parquet.write_table(pa.table(ratings, schema=pa.schema(schema)), folder / "ratings.parquet")
    movies = pa.table(
        {
            "movie_id": ["1", "10", "2"],
            "title": ["One", "Ten", "Two"],
            "genres": [["Drama"], [], ["Drama", "War"]],
            "tags": [[], [], ["x"]],
            "year": pa.array([1994, None, 2001], pa.int32()),
        }
    )
    parquet.write_table(movies, folder / "movies.parquet")
    if vectors:
        np.save(folder / "vectors.npy", np.array([[0, 1], [1, 0]], np.float32))
        (folder / "vector_ids.json").write_text('["unrated", "10"]')
    sign(folder, vectors=vectors)
    return folder


def sign(folder: Path, *, vectors: bool = True, **changes: Any) -> None:
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.name != "manifest.json"
    }
    space = {"model": "m@1", "dimension": 2, "recipe": 1} if vectors else None
    manifest = {"format": 1, "counts": {}, "files": files, "vector_space": space, **changes}
    (folder / "manifest.json").write_text(json.dumps(manifest))


GOOD: dict[str, list[Any]] = {
    "user_id": ["u", "u", "u", "v"],
    "movie_id": ["2", "99", "10", "2"],
    "rating": [4.5, 3.0, 0.5, 5.0],
    "timestamp": [1, 1, 2, 1],
}


class TestReading:
    def test_an_export_becomes_columns(self, tmp_path: Path) -> None:
        data = read_training_data(write_export(tmp_path / "export", GOOD))
        assert data.vocabulary.ids == ("10", "2", "99")  # rated films only, catalogued or not
        assert data.user_ids == ("u", "v")
        assert list(data.users) == [0, 0, 0, 1]
        assert list(data.items) == [1, 2, 0, 1]
        assert list(data.ratings) == [4.5, 3.0, 0.5, 5.0]
        assert (data.titles, list(data.years)) == (("Ten", "Two", ""), [0, 2001, 0])
        assert data.genres == ((), ("Drama", "War"), ())
        assert data.vectors is not None
        assert data.has_vector is not None
        assert data.vectors.tolist() == [[1, 0], [0, 0], [0, 0]]
        assert list(data.has_vector) == [True, False, False]
        assert data.vector_space == "m@1"

    def test_many_row_groups_are_one_data_set(self, tmp_path: Path) -> None:
        folder = write_export(tmp_path / "export", GOOD)
        parquet.write_table(
            parquet.read_table(folder / "ratings.parquet"), folder / "ratings.parquet", row_group_size=1
        )
        sign(folder)
        again = read_training_data(folder)
        assert again.fingerprint == read_training_data(write_export(tmp_path / "other", GOOD)).fingerprint

    def test_no_vectors_and_no_ratings_are_fine(self, tmp_path: Path) -> None:
        nothing: dict[str, list[Any]] = {column: [] for column in GOOD}
        data = read_training_data(write_export(tmp_path / "export", nothing, vectors=False))
        assert (len(data), data.n_items, data.vectors, data.vector_space) == (0, 0, None, None)

    @pytest.mark.parametrize(
        ("change", "match"),
        [
            ({"user_id": ["v", "u", "u", "u"]}, "not sorted"),
            ({"timestamp": [2, 1, 3, 1]}, "not sorted"),
            ({"rating": [1.0, float("nan"), 1.0, 1.0]}, "not a number"),
        ],
    )
    def test_ratings_that_break_the_format_are_refused(
        self, tmp_path: Path, change: dict[str, list[Any]], match: str
    ) -> None:
        folder = write_export(tmp_path / "export", {**GOOD, **change})
        with pytest.raises(DataError, match=match):
            read_training_data(folder)

    def test_a_changed_missing_or_foreign_folder_is_refused(self, tmp_path: Path) -> None:
        folder = write_export(tmp_path / "export", GOOD)
        (folder / "vector_ids.json").write_text('["unrated", "2"]')
        with pytest.raises(DataError, match=r"vector_ids\.json"):
            read_training_data(folder)
        sign(folder, format=2)
        with pytest.raises(DataError, match="format 2"):
            read_training_data(folder)
        sign(folder, files={"../../etc/passwd": "0"})
        with pytest.raises(DataError, match="passwd"):
            read_training_data(folder)
        (folder / "manifest.json").unlink()
        with pytest.raises(DataError, match="marquee export"):
            read_training_data(folder)

    def test_vectors_and_their_ids_must_agree_in_number(self, tmp_path: Path) -> None:
        folder = write_export(tmp_path / "export", GOOD)
        (folder / "vector_ids.json").write_text('["10"]')
        sign(folder)
        with pytest.raises(DataError, match=r"\(2, 2\).*1 films"):
            read_training_data(folder)

    def test_what_marquee_export_writes_can_be_read(self, tmp_path: Path) -> None:
        stores = open_stores(f"sqlite:///{tmp_path}/world.db")
        world.fill(stores)
        export(stores, tmp_path / "export")
        stores.close()
        data = read_training_data(tmp_path / "export")
        for history in data.histories():
            expected = world.ratings()[data.user_ids[history.user]]
            assert [data.vocabulary.ids[row] for row in history.items] == [rating.movie_id for rating in expected]
            assert list(history.ratings) == [rating.rating for rating in expected]
            assert list(history.timestamps) == [rating.timestamp for rating in expected]
        assert data.has_vector is not None
        assert data.has_vector.all()
        assert data.vector_space == world.SPACE.model
        assert data.titles[data.vocabulary.ids.index("1")] == world.movies()[0].title


class TestLiking:
    @pytest.mark.parametrize("others", [[], [0.5], [5.0] * 30, [0.5] * 30, [1.0] * 100, [3.0, 4.0]])
    def test_a_half_star_is_never_liked_and_five_always(self, others: list[float]) -> None:
        ratings = np.array([*others, 0.5, 5.0], np.float32)
        for mean in (0.5, 3.5, 5.0):
            assert not liked(ratings, mean)[-2]
            assert liked(ratings, mean)[-1]

    def test_the_cut_follows_the_users_own_mean(self) -> None:
        mild, harsh = np.array([5.0] * 20 + [3.0]), np.array([2.5] * 20 + [3.0])
        assert not liked(mild, 3.5)[-1]
        assert liked(harsh, 3.5).all()

    def test_who_gives_everything_the_same_likes_everything(self) -> None:
        assert liked(np.full(50, 3.0), 3.5).all()
        assert not disliked(np.full(50, 3.0), 3.5).any()

    def test_a_film_that_was_certainly_not_liked_makes_no_other_film_liked(self) -> None:
        others = np.array([5.0, 5.0, 4.5, 4.0, 3.5, 3.0, 2.5], np.float32)
        before = liked(others, 3.5)
        for low in (0.5, 1.0, 2.0):
            after = liked(np.append(others, np.float32([low] * 5)), 3.5)
            assert after.tolist() == [*before.tolist(), *[False] * 5]

    def test_a_film_well_below_the_own_mean_is_disliked(self) -> None:
        assert list(disliked(np.array([4.0, 4.0, 4.0, 1.0]), 3.5)) == [False, False, False, True]
