"""Model files are written whole, verified before use, and never run: every attack ends in one sentence."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recommender_api import model_files
from recommender_api.model_files import (
    ModelFileError,
    StoredVersion,
    activate,
    active_version,
    list_versions,
    load_version,
    newest_version,
    read_version,
    save_version,
)
from recommender_api.models.transitions import Transitions
from recommender_api.testing.checkerboard import FILMS, checkerboard, query
from service_kit.errors import ModelUnavailable


@pytest.fixture(scope="module")
def model() -> Transitions:
    return Transitions.fit(checkerboard())


@pytest.fixture
def stored(model: Transitions, tmp_path: Path) -> StoredVersion:
    return save_version(tmp_path, model, {"validation_ndcg@10": 0.5}, {"protocol": "leave-one-out"})


def resign(folder: Path) -> None:
    """What somebody would do who changes a file and the manifest with it."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    names = [file.name for file in folder.iterdir() if file.name != "manifest.json"]
    manifest["files"] = {
        name: {
            "size": (folder / name).stat().st_size,
            "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest(),
        }
        for name in names
    }
    path.write_text(json.dumps(manifest))


class TestWriting:
    def test_what_was_saved_is_loaded_with_its_metrics_and_split(
        self, model: Transitions, stored: StoredVersion, tmp_path: Path
    ) -> None:
        loaded = load_version(tmp_path, "transitions", stored.version)
        assert loaded.stored == stored
        assert loaded.stored.metrics == {"validation_ndcg@10": 0.5}
        assert loaded.stored.split == {"protocol": "leave-one-out"}
        assert loaded.ranker.vocabulary == model.vocabulary
        np.testing.assert_array_equal(loaded.ranker.scores(query(1, 2)), model.scores(query(1, 2)))

    def test_all_files_of_a_version_may_be_read_by_the_same_users(self, stored: StoredVersion) -> None:
        assert len({path.stat().st_mode for path in stored.folder.iterdir()}) == 1

    def test_versions_are_listed_the_newest_first_and_leftovers_are_not(
        self, model: Transitions, stored: StoredVersion, tmp_path: Path
    ) -> None:
        newer = save_version(tmp_path, model, {})
        (tmp_path / "transitions" / ".half-written.tmp").mkdir()
        (tmp_path / "embedding" / "some-encoder").mkdir(parents=True)
        damaged = save_version(tmp_path, model, {})
        (damaged.folder / "config.json").unlink()
        assert [version.version for version in list_versions(tmp_path)] == [newer.version, stored.version]
        assert newest_version(tmp_path, "transitions") == damaged.version
        assert newest_version(tmp_path, "forest") is None
        assert newest_version(tmp_path, "embedding") is None

    def test_a_save_that_fails_leaves_nothing_behind(
        self, model: Transitions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_path: Path) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(model_files, "_fsync", full)
        with pytest.raises(OSError, match="No space left"):
            save_version(tmp_path, model, {})
        assert list((tmp_path / "transitions").iterdir()) == []

    def test_a_process_killed_while_saving_leaves_no_version_that_is_seen(self, tmp_path: Path) -> None:
        """The process dies by SIGKILL just before the rename."""
        code = f"""
import os, signal
from pathlib import Path
from recommender_api.models.transitions import Transitions
from recommender_api.model_files import save_version
from recommender_api.testing.checkerboard import checkerboard
Path.rename = lambda self, target: os.kill(os.getpid(), signal.SIGKILL)
save_version({str(tmp_path)!r}, Transitions.fit(checkerboard()), {{}})
"""
        done = subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2])
        assert done.returncode == -9
        assert len(list((tmp_path / "transitions").iterdir())) == 1
        assert list_versions(tmp_path) == []
        assert newest_version(tmp_path, "transitions") is None

    def test_metrics_that_are_not_numbers_cannot_be_stored(self, model: Transitions, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="not JSON compliant"):
            save_version(tmp_path, model, {"ndcg": float("nan")})
        assert list_versions(tmp_path) == []


class TestPointer:
    def test_activating_moves_the_pointer(self, model: Transitions, stored: StoredVersion, tmp_path: Path) -> None:
        assert active_version(tmp_path) is None
        activate(tmp_path, "transitions", stored.version)
        assert active_version(tmp_path) == ("transitions", stored.version)
        newer = save_version(tmp_path, model, {})
        assert active_version(tmp_path) == ("transitions", stored.version)
        activate(tmp_path, "transitions", newer.version)
        assert active_version(tmp_path) == ("transitions", newer.version)

    def test_a_damaged_version_cannot_be_activated(
        self, model: Transitions, stored: StoredVersion, tmp_path: Path
    ) -> None:
        activate(tmp_path, "transitions", stored.version)
        damaged = save_version(tmp_path, model, {})
        (damaged.folder / "weights.safetensors").write_bytes(b"")
        with pytest.raises(ModelFileError):
            activate(tmp_path, "transitions", damaged.version)
        assert active_version(tmp_path) == ("transitions", stored.version)


def truncate(folder: Path) -> None:
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def same_size_other_content(folder: Path) -> None:
    path = folder / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def swap_two_files(folder: Path) -> None:
    metrics, split = folder / "metrics.json", folder / "split.json"
    first, second = metrics.read_bytes(), split.read_bytes()
    metrics.write_bytes(second)
    split.write_bytes(first)


def add_a_file(folder: Path) -> None:
    (folder / "weights.pt").write_bytes(b"\x80\x04cos\nsystem\n")


def take_a_file_away(folder: Path) -> None:
    (folder / "vocabulary.json").unlink()


def no_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def change_manifest(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    change.__name__ = "manifest_with_" + "_".join(changes)
    return change


def weights_are_a_link(folder: Path) -> None:
    path = folder / "weights.safetensors"
    target = folder.parent.parent / "elsewhere"
    shutil.copy(path, target)
    path.unlink()
    path.symlink_to(target)


def a_folder_in_place_of_a_file(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()


def manifest_points_out_of_the_folder(folder: Path) -> None:
    outside = folder.parent / "outside.json"
    outside.write_text("{}")
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"]["../outside.json"] = {"size": 2, "sha256": hashlib.sha256(b"{}").hexdigest()}
    path.write_text(json.dumps(manifest))


def deep_json(folder: Path) -> None:
    (folder / "manifest.json").write_text("[" * 200_000)


class TestVerification:
    @pytest.mark.parametrize(
        "attack",
        [
            truncate,
            same_size_other_content,
            swap_two_files,
            add_a_file,
            take_a_file_away,
            no_manifest,
            weights_are_a_link,
            a_folder_in_place_of_a_file,
            manifest_points_out_of_the_folder,
            deep_json,
            change_manifest(format=99),
            change_manifest(model="forest"),
            change_manifest(files=[]),
            change_manifest(files={}),
            change_manifest(files={"metrics.json": "x"}),
        ],
        ids=lambda attack: attack.__name__,
    )
    def test_a_folder_that_is_not_what_was_written_is_refused(
        self, stored: StoredVersion, tmp_path: Path, attack: Callable[[Path], None]
    ) -> None:
        attack(stored.folder)
        with pytest.raises(ModelFileError) as refused:
            load_version(tmp_path, "transitions", stored.version)
        assert str(tmp_path) not in refused.value.detail

    def test_files_of_another_version_do_not_fit(
        self, model: Transitions, stored: StoredVersion, tmp_path: Path
    ) -> None:
        other = save_version(tmp_path, Transitions.fit(checkerboard().select(np.arange(len(checkerboard())) < 100)), {})
        shutil.copy(other.folder / "weights.safetensors", stored.folder / "weights.safetensors")
        with pytest.raises(ModelFileError, match=r"weights\.safetensors"):
            load_version(tmp_path, "transitions", stored.version)

    @pytest.mark.parametrize(
        ("name", "version"),
        [
            ("transitions", ".."),
            ("transitions", "../transitions/x"),
            ("transitions", "/etc"),
            ("transitions", ""),
            ("transitions", "a" * 101),
            ("transitions", ".hidden"),
            ("transitions", "with\nnewline"),
            ("transitions", "with\0zero"),
            ("transitions", "missing"),
            ("..", "x"),
            ("", "x"),
            ("embedding", "lsa"),
        ],
    )
    def test_names_cannot_leave_the_models_folder(
        self, stored: StoredVersion, tmp_path: Path, name: str, version: str
    ) -> None:
        for call in (read_version, load_version, activate):
            with pytest.raises(ModelUnavailable):
                call(tmp_path, name, version)

    def test_a_version_that_is_a_link_is_refused(self, stored: StoredVersion, tmp_path: Path) -> None:
        moved = tmp_path / "moved"
        stored.folder.rename(moved)
        stored.folder.symlink_to(moved)
        with pytest.raises(ModelFileError):
            load_version(tmp_path, "transitions", stored.version)


class TestContent:
    """Attacks by somebody who also rewrites the manifest: sizes and shapes are bounded all the same."""

    def refused(self, stored: StoredVersion, models_dir: Path, match: str) -> None:
        resign(stored.folder)
        with pytest.raises(ModelFileError, match=match):
            load_version(models_dir, "transitions", stored.version)

    def test_a_shorter_vocabulary_is_refused_with_both_numbers(self, stored: StoredVersion, tmp_path: Path) -> None:
        ids = json.loads((stored.folder / "vocabulary.json").read_text())
        (stored.folder / "vocabulary.json").write_text(json.dumps(ids[:-1]))
        self.refused(stored, tmp_path, rf"{FILMS}.*{FILMS - 1}")

    @pytest.mark.parametrize("text", ["{}", "[1,2]", '["b","a"]', '["a","a"]', "[", '"x"'])
    def test_a_vocabulary_that_is_none_is_refused(self, stored: StoredVersion, tmp_path: Path, text: str) -> None:
        (stored.folder / "vocabulary.json").write_text(text)
        self.refused(stored, tmp_path, r"vocabulary\.json cannot be used")

    @pytest.mark.parametrize("length", [1 << 21, 1 << 40, (1 << 64) - 1])
    def test_a_bloated_header_is_refused_before_it_is_read(
        self, stored: StoredVersion, tmp_path: Path, length: int
    ) -> None:
        path = stored.folder / "weights.safetensors"
        content = path.read_bytes()
        path.write_bytes(length.to_bytes(8, "little") + content[8:])
        self.refused(stored, tmp_path, "header")

    def test_a_header_of_a_million_tensors_is_refused(self, stored: StoredVersion, tmp_path: Path) -> None:
        header = json.dumps({f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(30_000)})
        assert len(header) > 1 << 20
        path = stored.folder / "weights.safetensors"
        path.write_bytes(len(header).to_bytes(8, "little") + header.encode())
        self.refused(stored, tmp_path, "header")

    @pytest.mark.parametrize(
        "content", [b"", b"\0" * 7, b"\x10" + b"\0" * 7 + b"{" * 16, b"\x80\x04cos\nsystem\n(S'x'\ntR."]
    )
    def test_weights_that_are_no_safetensors_are_refused(
        self, stored: StoredVersion, tmp_path: Path, content: bytes
    ) -> None:
        (stored.folder / "weights.safetensors").write_bytes(content)
        self.refused(stored, tmp_path, r"weights\.safetensors")

    def test_other_arrays_than_expected_are_refused(self, stored: StoredVersion, tmp_path: Path) -> None:
        from safetensors.numpy import save_file

        save_file({"other": np.zeros(3, np.float32)}, stored.folder / "weights.safetensors")
        self.refused(stored, tmp_path, "other")

    @pytest.mark.parametrize(
        "config", ["{}", "[]", '{"options": {}}', '{"options": {"lags": 3, "code": "x"}}', '{"options": 5}', "{"]
    )
    def test_a_configuration_of_other_options_is_refused(
        self, stored: StoredVersion, tmp_path: Path, config: str
    ) -> None:
        (stored.folder / "config.json").write_text(config)
        self.refused(stored, tmp_path, r"config\.json")

    @pytest.mark.parametrize("metrics", ['{"ndcg": NaN}', '{"ndcg": "0.5"}', "[]", '{"ndcg": true, "x": null}'])
    def test_metrics_that_are_no_numbers_are_refused(self, stored: StoredVersion, tmp_path: Path, metrics: str) -> None:
        (stored.folder / "metrics.json").write_text(metrics)
        self.refused(stored, tmp_path, r"metrics\.json")

    def test_a_file_larger_than_any_of_ours_is_not_read(
        self, stored: StoredVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(model_files, "_LONGEST_JSON", 100)
        (stored.folder / "split.json").write_text('{"x": "' + "y" * 100 + '"}')
        self.refused(stored, tmp_path, "at most 100 are read")


def test_nothing_in_the_recommender_can_run_code_from_a_file() -> None:
    forbidden = re.compile(
        r"import (pickle|joblib)|(pickle|joblib|torch)\.loads?\("
        r"|allow_pickle=True|trust_remote_code=True|[^.]\b(eval|exec)\("
    )
    for path in sorted((Path(__file__).parents[2] / "recommender_api").rglob("*.py")):
        found = forbidden.search(path.read_text())
        assert found is None, f"{path}: {found}"
