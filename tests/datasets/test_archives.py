"""An archive is read in place; one that could hurt is refused as a whole, with what is wrong with it."""

from __future__ import annotations

import io
import stat
import struct
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import pytest

from indexer.datasets import DatasetError, DatasetSettings, open_dataset
from tests.support import movielens
from tests.support.movielens import FORMATS

FILES = FORMATS["ml-latest-small"]


def archive_with(path: Path, *members: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile warns of the names that these tests are about
        for name, data in [*((f"ml/{name}", data) for name, data in FILES.items()), *members]:
            archive.writestr(name, data)
    path.write_bytes(content.getvalue())
    return path


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("member", "problem"),
    [
        ("../ratings.csv", "leads out of the archive"),
        ("ml/../../ratings.csv", "leads out of the archive"),
        ("/etc/ratings.csv", "leads out of the archive"),
        ("C:/ratings.csv", "leads out of the archive"),
        ("ml\\..\\..\\ratings.csv", "leads out of the archive"),
        (link("ml/more.csv"), "is a link or a device"),
        ("ml/ratings.csv", "two of its files have the same name"),
    ],
    ids=str,
)
def test_names_and_links_that_lead_elsewhere_are_refused(
    member: zipfile.ZipInfo | str, problem: str, tmp_path: Path
) -> None:
    path = archive_with(tmp_path / "evil.zip", (member, b"userId,movieId,rating,timestamp\n1,1,4.0,1\n"))
    with pytest.raises(DatasetError, match=problem):
        open_dataset(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["evil.zip"]


def test_a_bomb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = archive_with(tmp_path / "bomb.zip", ("ml/genome-scores.csv", b"0" * 50_000_000))
    tracemalloc.start()
    with pytest.raises(DatasetError, match="unpacks to more than 100 times its size"):
        open_dataset(path)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    content = archive_with(tmp_path / "lie.zip", ("ml/x.csv", b"1,1,4.0,1\n" * 100_000)).read_bytes()
    true, said = struct.pack("<I", 1_000_000), struct.pack("<I", 5000)
    assert content.count(true) == 2  # once beside the data, once in the directory
    (tmp_path / "lie.zip").write_bytes(content.replace(true, said))
    with pytest.raises(DatasetError, match=r"ml/x\.csv in .* is damaged"):
        open_dataset(tmp_path / "lie.zip")


@pytest.mark.parametrize("limit", ["archive_members", "archive_bytes"])
def test_limits_hold_at_n_and_n_plus_1(limit: str, tmp_path: Path) -> None:
    path = archive_with(tmp_path / "ml.zip")
    size = {"archive_members": len(FILES), "archive_bytes": sum(map(len, FILES.values()))}[limit]
    assert list(open_dataset(path, DatasetSettings.model_validate({limit: size})).ratings())
    with pytest.raises(DatasetError, match=f"MARQUEE_{limit.upper()}"):
        open_dataset(path, DatasetSettings.model_validate({limit: size - 1}))


def test_an_archive_within_an_archive_is_not_looked_into(tmp_path: Path) -> None:
    inner = archive_with(tmp_path / "inner.zip").read_bytes()
    outer = movielens.write_zip(tmp_path / "outer.zip", {"inner.zip": inner})
    with pytest.raises(DatasetError, match="holds no data set"):
        open_dataset(outer)


def test_an_encrypted_file_is_refused(tmp_path: Path) -> None:
    path = archive_with(tmp_path / "ml.zip")
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")  # the first entry of the directory; its flags are at 8
    content[at + 8] |= 1
    path.write_bytes(bytes(content))
    with pytest.raises(DatasetError, match="is encrypted"):
        open_dataset(path)


@pytest.mark.parametrize("cut", [0.3, 0.9, 0.99])
def test_a_truncated_archive_is_named(cut: float, tmp_path: Path) -> None:
    whole = archive_with(tmp_path / "ml.zip").read_bytes()
    (tmp_path / "ml.zip").write_bytes(whole[: int(len(whole) * cut)])
    with pytest.raises(DatasetError, match=r"ml\.zip"):
        open_dataset(tmp_path / "ml.zip")


def test_a_damaged_file_in_an_archive_is_named(tmp_path: Path) -> None:
    path = movielens.write_zip(tmp_path / "ml.zip", {"ratings.csv": FILES["ratings.csv"]})
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF  # in the packed data
    path.write_bytes(bytes(content))
    with pytest.raises(DatasetError, match=r"ratings\.csv in .*ml\.zip is damaged"):
        list(open_dataset(path).ratings())


def test_a_path_that_is_neither_folder_nor_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_bytes(FILES["ratings.csv"])
    with pytest.raises(DatasetError, match="neither a folder nor a zip archive"):
        open_dataset(tmp_path / "file.csv")
    with pytest.raises(DatasetError, match="does not exist"):
        open_dataset(tmp_path / "nowhere")


def test_hidden_files_are_not_read(tmp_path: Path) -> None:
    apple = {f"__MACOSX/ml/._{name}": b"\0\5\26\7" + content for name, content in FILES.items()}
    path = movielens.write_zip(tmp_path / "ml.zip", {f"ml/{name}": content for name, content in FILES.items()} | apple)
    assert len(list(open_dataset(path).ratings())) == 10


def test_a_line_without_end_is_refused_without_being_held(tmp_path: Path) -> None:
    content = FILES["ratings.csv"] + b"1" * 40_000_000
    path = movielens.write_zip(tmp_path / "ml.zip", {"ratings.csv": content, "movies.csv": FILES["movies.csv"]})
    dataset = open_dataset(path, DatasetSettings(archive_ratio=2000))
    tracemalloc.start()
    with pytest.raises(DatasetError, match=r"ratings\.csv has a line of more than"):
        list(dataset.ratings())
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12_000_000
