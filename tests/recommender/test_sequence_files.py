"""Files of one's own as training data: every format, bad rows with their line, facts that lie beside, the cache."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from recommender_api.data import RATINGS, TIMESTAMPS, DataError, TrainingData
from recommender_api.sequence_files import SequenceCache, read_sequences

PAIRS = "1 10\n1 2\n2 2\n1 7\n2 10\n"


def rows(data: TrainingData) -> list[tuple[str, str, float, int]]:
    columns = zip(data.users, data.items, data.ratings, data.timestamps, strict=True)
    return [(data.user_ids[u], data.vocabulary.ids[i], float(r), int(t)) for u, i, r, t in columns]


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


EXPECTED = [("1", "10", 4.0, 0), ("1", "2", 4.0, 1), ("1", "7", 4.0, 3), ("2", "2", 4.0, 2), ("2", "10", 4.0, 4)]


class TestText:
    def test_user_item_lines_keep_their_order_and_all_count_as_liked(self, tmp_path: Path) -> None:
        data = read_sequences(written(tmp_path, "pairs.txt", PAIRS))
        assert rows(data) == EXPECTED
        assert data.implied == {RATINGS, TIMESTAMPS}
        assert data.vocabulary.ids == ("10", "2", "7")

    def test_blanks_may_be_several_and_stand_at_the_end(self, tmp_path: Path) -> None:
        assert (
            rows(read_sequences(written(tmp_path, "pairs.txt", PAIRS.replace(" ", "  ").replace("\n", " \r\n"))))
            == EXPECTED
        )

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.csv", "userId,movieId,rating,timestamp\nu,a,4.5,20\nu,b,2,10\n"),
            ("any.name", "\ufefftime;item;user;score;note\r\n20;a;u;4.5;x\r\n10;b;u;2;\r\n"),
            ("a.inter", "user_id:token\titem_id:token\trating:float\ttimestamp:float\nu\ta\t4.5\t20.0\nu\tb\t2\t10\n"),
        ],
    )
    def test_a_header_says_which_column_is_what(self, tmp_path: Path, name: str, content: str) -> None:
        data = read_sequences(written(tmp_path, name, content))
        assert rows(data) == [("u", "b", 2.0, 10), ("u", "a", 4.5, 20)]
        assert not data.implied

    def test_movielens_rows_without_a_header_are_known_by_their_four_columns(self, tmp_path: Path) -> None:
        for name, content in {
            "ratings.dat": "1::9::5::30\n1::8::3::20\n",
            "u.data": "1\t9\t5\t30\n1\t8\t3\t20\n",
        }.items():
            assert rows(read_sequences(written(tmp_path, name, content))) == [("1", "8", 3.0, 20), ("1", "9", 5.0, 30)]

    def test_of_an_item_that_a_user_has_twice_the_later_row_counts(self, tmp_path: Path) -> None:
        data = read_sequences(written(tmp_path, "a.csv", "user,item,rating,time\nu,a,1,30\nu,b,2,20\nu,a,5,10\n"))
        assert rows(data) == [("u", "b", 2.0, 20), ("u", "a", 1.0, 30)]
        assert rows(read_sequences(written(tmp_path, "b.txt", "1 5\n1 6\n1 5\n"))) == [
            ("1", "6", 4.0, 1),
            ("1", "5", 4.0, 2),
        ]

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("1 2\n\n1 3 4\n", "line 3: 3 fields, but the first line has 2"),
            ("user,item\nu,a\n\nu,\n", "line 4: no item"),
            ("user,item,rating\nu,a,4\nu,b,good\n", "line 3: the rating 'good' is no number"),
            ("user,item,rating\nu,a,4\nu,b,\n", "line 3: the rating '' is no number"),
            ("user,item,rating\nu,a,nan\n", "line 2: the rating 'nan' is no number"),
            ("user,item,rating\nu,a,9\n", "line 2: the rating 9 is not within 0 to 5"),
            ("user,item,time\nu,a,1700000000000\n", "line 2: the timestamp 1700000000000 lies after 2100"),
            ("user,title\nu,a\n", "no column for the item; it has 'user', 'title'"),
            ("user,item,movie\nu,a,b\n", "two columns for the item: 'item' and 'movie'"),
            ("1,2,3\n", "3 columns and no header"),
            ("alone\n", "one column"),
            ("", "is empty"),
            ("user,item\n", "no rows"),
            ('user,item\nu,"a\nu,b\n', "line 2: a quote that is not closed"),
            (b"\xff\xfe\x00\x01", "no text in UTF-8"),
            (b"user,item\nu,\xff\n", "cannot be read"),
        ],
    )
    def test_a_bad_file_is_refused_in_one_sentence_with_the_line(
        self, tmp_path: Path, content: str | bytes, said: str
    ) -> None:
        with pytest.raises(DataError, match=said) as raised:
            read_sequences(written(tmp_path, "own.csv", content))
        assert "\n" not in str(raised.value)

    def test_a_path_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"nowhere\.txt does not exist"):
            read_sequences(tmp_path / "nowhere.txt")


class TestParquet:
    def test_a_row_an_item_or_a_row_a_user_with_lists(self, tmp_path: Path) -> None:
        flat = {"user_id": [1, 1, 2], "item_id": [10, 2, 10], "rating": [5.0, 3.0, 1.0], "timestamp": [2, 1, 1]}
        nested = {"user": ["1", "2"], "item": [["10", "2"], ["10"]], "rating": [[5, 3], [1]], "time": [[2, 1], [1]]}
        for name, table in {"flat": flat, "nested": nested}.items():
            parquet.write_table(pa.table(table), tmp_path / name)
            data = read_sequences(tmp_path / name)
            assert rows(data) == [("1", "2", 3.0, 1), ("1", "10", 5.0, 2), ("2", "10", 1.0, 1)]

    def test_times_may_be_times(self, tmp_path: Path) -> None:
        times = pa.array([np.datetime64("2001-09-09T01:46:40", "ms")])
        parquet.write_table(pa.table({"user": ["u"], "item": ["a"], "date": times}), tmp_path / "a")
        assert rows(read_sequences(tmp_path / "a")) == [("u", "a", 4.0, 1_000_000_000)]

    @pytest.mark.parametrize(
        ("table", "said"),
        [
            ({"user": ["1", "2"], "item": [["a"], ["b"]], "rating": [[1], [1, 2]]}, "row 2: 1 entries of item, but 2"),
            ({"user": ["1"], "item": ["b"], "rating": [[1]]}, "lists in 'rating', but one item a row"),
            ({"user": ["1", None], "item": ["b", "b"]}, "row 2: no user"),
        ],
    )
    def test_rows_that_cannot_be_are_named(self, tmp_path: Path, table: dict[str, list[object]], said: str) -> None:
        parquet.write_table(pa.table(table), tmp_path / "a.parquet")
        with pytest.raises(DataError, match=said):
            read_sequences(tmp_path / "a.parquet")

    def test_a_damaged_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="damaged parquet"):
            read_sequences(written(tmp_path, "a.parquet", b"PAR1 and no more"))


def tfrecord(path: Path, records: list[dict[str, tuple[object, str]]]) -> Path:
    writer = pytest.importorskip("tfrecord.writer").TFRecordWriter(str(path))
    for record in records:
        writer.write(record)
    writer.close()
    return path


class TestTfrecord:
    def test_a_record_an_item_or_a_record_a_user_with_lists(self, tmp_path: Path) -> None:
        items = [
            {"user": (u, "int"), "item": (i, "int"), "rating": (r, "float"), "timestamp": (t, "int")}
            for u, i, r, t in [(1, 10, 5.0, 2), (1, 2, 3.0, 1), (2, 10, 1.0, 1)]
        ]
        users = [
            {
                "user_id": (b"1", "byte"),
                "item_id": ([10, 2], "int"),
                "rating": ([5.0, 3.0], "float"),
                "ts": ([2, 1], "int"),
            },
            {"user_id": (b"2", "byte"), "item_id": ([10], "int"), "rating": ([1.0], "float"), "ts": ([1], "int")},
        ]
        for name, records in {"items": items, "users": users}.items():
            data = read_sequences(tfrecord(tmp_path / f"{name}.tfrecord", records))
            assert rows(data) == [("1", "2", 3.0, 1), ("1", "10", 5.0, 2), ("2", "10", 1.0, 1)]

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the library leaves the file open
    def test_a_file_that_is_cut_short_is_refused(self, tmp_path: Path) -> None:
        path = tfrecord(tmp_path / "a.tfrecord", [{"user": (1, "int"), "item": (2, "int")}] * 2)
        path.write_bytes(path.read_bytes()[:-5])
        with pytest.raises(DataError, match="damaged after record 1"):
            read_sequences(path)

    def test_without_the_package_the_sentence_says_how_to_get_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "tfrecord.reader", None)
        with pytest.raises(DataError, match=r"pip install 'marquee-recommender\[tfrecord\]'"):
            read_sequences(written(tmp_path, "a.tfrecord", b"x"))


class TestFactsBeside:
    def test_the_renumbered_copy_of_ml_1m_gets_titles_genres_and_users(self, tmp_path: Path) -> None:
        written(tmp_path, "sas_to_original_items.txt", "10 31\n2 32\n7 33\n")
        written(tmp_path, "sas_to_original_users.txt", "1 501\n2 502\n")
        written(
            tmp_path,
            "movies.dat",
            "31::Amélie (2001)::Comedy|Romance\n32::Heat (1995)::Crime\n10::Wrong (1900)::\n".encode("latin-1"),
        )
        written(tmp_path, "users.dat", "501::F::25::3::0123\n")
        data = read_sequences(written(tmp_path, "ml-1m.txt", PAIRS))
        assert data.titles == ("Amélie (2001)", "Heat (1995)", "")
        assert data.genres == (("Comedy", "Romance"), ("Crime",), ())
        assert list(data.years) == [2001, 1995, 0]
        assert data.attributes == ({"gender": "F", "age": "25", "occupation": "3", "zip_code": "0123"}, {})

    def test_numbers_without_a_mapping_get_no_titles_but_ids_of_a_header_do(self, tmp_path: Path) -> None:
        written(tmp_path, "movies.csv", 'movieId,title,genres\n2,"One, Two (1999)",(no genres listed)\n')
        assert read_sequences(written(tmp_path, "pairs.txt", PAIRS)).titles == ("", "", "")
        data = read_sequences(written(tmp_path, "ratings.csv", "userId,movieId\n1,2\n"))
        assert (data.titles, data.genres, list(data.years)) == (("One, Two (1999)",), ((),), [1999])


class TestCache:
    @pytest.fixture
    def cache(self, tmp_path: Path) -> SequenceCache:
        return SequenceCache(tmp_path / "cache", 1 << 20)

    def entries(self, cache: SequenceCache) -> list[Path]:
        return sorted(cache.folder.iterdir())

    def test_what_was_read_once_comes_from_the_cache_and_is_equal(self, tmp_path: Path, cache: SequenceCache) -> None:
        path = written(tmp_path, "pairs.txt", PAIRS)
        first = read_sequences(path, cache=cache)
        [entry] = self.entries(cache)
        kept = entry.read_bytes()
        again = read_sequences(path, cache=cache)
        assert entry.read_bytes() == kept
        assert rows(again) == rows(first)
        assert again.fingerprint == first.fingerprint
        assert (again.vocabulary, again.implied, again.titles) == (first.vocabulary, first.implied, first.titles)

    def test_another_content_under_the_same_name_and_time_is_read_anew(
        self, tmp_path: Path, cache: SequenceCache
    ) -> None:
        path = written(tmp_path, "pairs.txt", PAIRS)
        read_sequences(path, cache=cache)
        times = path.stat()
        os.utime(written(tmp_path, "pairs.txt", PAIRS.replace("7", "8")), ns=(times.st_atime_ns, times.st_mtime_ns))
        assert read_sequences(path, cache=cache).vocabulary.ids == ("10", "2", "8")
        written(tmp_path, "sas_to_original_items.txt", "8 31\n")
        written(tmp_path, "movies.dat", "31::Heat (1995)::Crime\n")
        assert read_sequences(path, cache=cache).titles == ("", "", "Heat (1995)")

    def test_a_damaged_entry_is_made_again(self, tmp_path: Path, cache: SequenceCache) -> None:
        path = written(tmp_path, "pairs.txt", PAIRS)
        read_sequences(path, cache=cache)
        [entry] = self.entries(cache)
        whole = entry.read_bytes()
        for damaged in (b"", whole[: len(whole) // 2], whole.replace(b'"10"', b'"19"')):
            entry.write_bytes(damaged)
            assert rows(read_sequences(path, cache=cache)) == EXPECTED

    def test_the_entries_not_used_for_longest_go_when_the_folder_is_full(self, tmp_path: Path) -> None:
        paths = [written(tmp_path, f"{n}.txt", f"1 {n}\n") for n in range(3)]
        one_entry = SequenceCache(tmp_path / "one", 1 << 20)
        read_sequences(paths[0], cache=one_entry)
        size = self.entries(one_entry)[0].stat().st_size
        cache = SequenceCache(tmp_path / "cache", 2 * size + size // 2)
        for age, path in enumerate(paths[:2]):
            read_sequences(path, cache=cache)
            newest = max(self.entries(cache), key=lambda entry: entry.stat().st_mtime_ns)
            os.utime(newest, (age, age))
        read_sequences(paths[0], cache=cache)  # used again: now the younger of the two
        read_sequences(paths[2], cache=cache)
        kept = len(self.entries(cache))
        assert kept == 2
        before = {entry: entry.stat().st_mtime_ns for entry in self.entries(cache)}
        read_sequences(paths[0], cache=cache)
        assert set(before) == set(self.entries(cache))
        assert [entry for entry in before if entry.stat().st_mtime_ns != before[entry]]
        assert not self.entries(SequenceCache(tmp_path / "one", 0)) or read_sequences(
            paths[1], cache=SequenceCache(tmp_path / "one", 0)
        )
