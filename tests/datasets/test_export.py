"""The export folder: what is in it, the same bytes for the same contents, and never half a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest

from indexer import export as exporting
from indexer import open_stores
from indexer.datasets import open_dataset
from indexer.datasets.histories import IMPLIED_RATING
from indexer.export import export, export_dataset
from indexer.ports import Stores
from indexer.types import User
from service_kit.errors import InvalidRequest
from tests.support import movielens, world
from tests.support.movielens import FORMATS


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    stores = open_stores(f"sqlite:///{tmp_path}/store/s.db")
    world.fill(stores)
    yield stores
    stores.close()


def test_ratings_are_sorted_by_user_and_time(stores: Stores, tmp_path: Path) -> None:
    export(stores, tmp_path / "out")
    table = parquet.read_table(tmp_path / "out" / "ratings.parquet")
    assert [(field.name, str(field.type)) for field in table.schema] == [
        ("user_id", "string"),
        ("movie_id", "string"),
        ("rating", "float"),
        ("timestamp", "int64"),
    ]
    rows = [(row["user_id"], row["movie_id"], row["rating"], row["timestamp"]) for row in table.to_pylist()]
    assert rows == [
        (user, rating.movie_id, rating.rating, rating.timestamp)
        for user, ratings in sorted(world.ratings().items())
        for rating in ratings
    ]


def test_films_and_vectors_are_sorted_by_id(stores: Stores, tmp_path: Path) -> None:
    export(stores, tmp_path / "out")
    films = parquet.read_table(tmp_path / "out" / "movies.parquet").to_pylist()
    assert films == [
        {"movie_id": m.id, "title": m.title, "genres": list(m.genres), "tags": list(m.tags), "year": m.year}
        | {"keywords": list(m.keywords), "cast": list(m.cast), "director": list(m.director)}
        for m in sorted(world.movies(), key=lambda movie: movie.id)
    ]
    ids = json.loads((tmp_path / "out" / "vector_ids.json").read_text())
    matrix = np.load(tmp_path / "out" / "vectors.npy", allow_pickle=False)
    expected = {vector.movie_id: vector.vector for vector in world.vectors()}
    assert ids == sorted(expected)
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix, np.stack([expected[id] for id in ids]))


def test_the_manifest_names_every_file_with_its_checksum(stores: Stores, tmp_path: Path) -> None:
    stores.users.put_users([User("10", {"gender": "F", "age": "25"})])
    manifest = export(stores, tmp_path / "out")
    written = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert written["format"] == 1
    assert written["counts"] == {"movies": 40, "ratings": 205, "users": 12, "users_with_attributes": 1, "vectors": 40}
    assert written["vector_space"] == {"model": "world@1", "dimension": 24, "recipe": 1}
    assert written["files"] == manifest.files
    present = {path.name for path in (tmp_path / "out").iterdir()}
    assert present == {*written["files"], "manifest.json"}
    for name, sha256 in written["files"].items():
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == sha256
    users = parquet.read_table(tmp_path / "out" / "users.parquet").to_pylist()
    assert users == [{"user_id": "10", "attributes": [("age", "25"), ("gender", "F")]}]


def test_exporting_twice_gives_the_same_bytes(stores: Stores, tmp_path: Path) -> None:
    assert export(stores, tmp_path / "a") == export(stores, tmp_path / "b")
    assert export(stores, tmp_path / "a") == export(stores, tmp_path / "b")  # in the place of an earlier one


def test_many_row_groups_hold_the_same_rows(stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export(stores, tmp_path / "one")
    monkeypatch.setattr(exporting, "_GROUP", 30)
    export(stores, tmp_path / "many")
    for name in ("ratings.parquet", "movies.parquet"):
        assert parquet.ParquetFile(tmp_path / "many" / name).num_row_groups > 1
        assert parquet.read_table(tmp_path / "many" / name).equals(parquet.read_table(tmp_path / "one" / name))


@pytest.mark.parametrize("name", FORMATS)
def test_a_data_set_exports_like_the_store_that_it_was_loaded_into(name: str, tmp_path: Path) -> None:
    from indexer.load import load_dataset

    repeated = {file: content + _again(content) for file, content in FORMATS[name].items()}
    dataset = open_dataset(movielens.write(tmp_path / name, repeated))
    stores = open_stores(f"sqlite:///{tmp_path}/s.db")
    load_dataset(stores, dataset)
    assert export(stores, tmp_path / "a") == export_dataset(dataset, tmp_path / "b")
    stores.close()


def test_sequences_export_with_ratings_that_are_marked_as_implied(tmp_path: Path) -> None:
    files = {"movies.dat": FORMATS["ml-1m"]["movies.dat"], "order.txt": b"1 3\n1 1\n2 4\n2 1\n2 2\n"}
    manifest = export_dataset(open_dataset(movielens.write(tmp_path / "own", files)), tmp_path / "out")
    assert manifest.implied_ratings
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["implied_ratings"] is True
    rows = parquet.read_table(tmp_path / "out" / "ratings.parquet").to_pylist()
    assert [(row["user_id"], row["movie_id"], row["timestamp"]) for row in rows] == [
        ("1", "3", 0),
        ("1", "1", 1),
        ("2", "4", 0),
        ("2", "1", 1),
        ("2", "2", 2),
    ]
    assert {row["rating"] for row in rows} == {IMPLIED_RATING}


def test_an_empty_store_exports_empty_tables(tmp_path: Path) -> None:
    stores = open_stores(f"sqlite:///{tmp_path}/empty.db")
    manifest = export(stores, tmp_path / "out")
    stores.close()
    assert manifest.counts == {"movies": 0, "ratings": 0, "users": 0}
    assert parquet.read_table(tmp_path / "out" / "ratings.parquet").num_rows == 0
    assert not (tmp_path / "out" / "vectors.npy").exists()


def test_a_folder_of_other_things_is_left_alone(stores: Stores, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    with pytest.raises(InvalidRequest, match="neither empty nor an earlier export"):
        export(stores, tmp_path / "out")
    assert (tmp_path / "out" / "thesis.txt").read_text() == "years of work"


def test_an_earlier_export_with_something_else_in_it_is_left_alone(stores: Stores, tmp_path: Path) -> None:
    export(stores, tmp_path / "out")
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    with pytest.raises(InvalidRequest, match="neither empty nor an earlier export"):
        export(stores, tmp_path / "out")
    assert (tmp_path / "out" / "thesis.txt").read_text() == "years of work"


def test_an_export_that_cannot_be_moved_into_place_brings_the_earlier_one_back(
    stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(stores, tmp_path / "out")
    rename = Path.rename

    def fail_to_end(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise OSError("the disk is gone")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_to_end)
    with pytest.raises(OSError, match="the disk is gone"):
        export(stores, tmp_path / "out")
    assert (tmp_path / "out" / "manifest.json").is_file()


def test_a_failed_export_leaves_the_earlier_one_as_it_was(
    stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(stores, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}

    def fail(*_args: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(exporting._Folder, "vectors", fail)
    with pytest.raises(OSError, match="no space"):
        export(stores, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "store"]


def test_training_reads_what_was_exported(stores: Stores, tmp_path: Path) -> None:
    from recommender_api.data import read_training_data

    export(stores, tmp_path / "out")
    data = read_training_data(tmp_path / "out")
    assert (data.n_users, len(data), data.vector_space) == (12, 205, "world@1")


def _again(content: bytes) -> bytes:
    """The last line once more, as a repeated rating would come."""
    return content.splitlines(keepends=True)[-1]
