"""`train` and its kin with real models on small data: what is measured, what is saved, what is refused."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recommender_api.data import TrainingData
from recommender_api.evaluation.evaluate import Scorer, validation_metrics
from recommender_api.evaluation.protocols import PROTOCOLS, LeaveOneOut
from recommender_api.evaluation.splits import Split
from recommender_api.model_files import StoredVersion, load_version
from recommender_api.models.base import Query
from recommender_api.training import VALIDATION, choose_active, on_validation, train
from service_kit.errors import InvalidRequest, ModelUnavailable
from tests.support.pairs import FILMS, ending_in, pairs_data

pytestmark = pytest.mark.slow  # as a whole: the fast tests are to end within a minute

TINY: dict[str, Any] = {
    "hidden_size": 16,
    "layers": 1,
    "max_length": 12,
    "batch_size": 16,
    "epochs": 80,
    "validate_every": 80,
    "dropout": 0.0,
    "learning_rate": 1e-2,
    "device": "cpu",
}
DATA = pairs_data()


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_a_trained_version_is_saved_with_its_metrics_and_what_it_has_seen(tmp_path: Path) -> None:
    trained = train("bert4rec", DATA, TINY, models_dir=tmp_path / "models", log_dir=tmp_path / "logs")
    assert set(trained.stored.metrics) == {"validation_hr@10", "validation_ndcg@10", "fit_cpu_s"}
    assert trained.stored.metrics["validation_ndcg@10"] > 0.5  # one of five films that begin a pair; by chance 0.45
    assert trained.stored.split == LeaveOneOut().split(DATA).description
    assert trained.epochs_trained == 80
    assert trained.log_dir is not None
    assert list(trained.log_dir.glob("events*"))
    loaded = load_version(tmp_path / "models", "bert4rec", trained.stored.version)
    assert int(loaded.ranker.scores(ending_in(4)).argmax()) == 5


def test_a_model_that_fits_cheaply_is_saved_as_fitted_on_everything(tmp_path: Path) -> None:
    trained = train("transitions", DATA, models_dir=tmp_path, test=True)
    assert trained.stored.split == {"protocol": None}
    assert trained.stored.metrics["test_ndcg@10"] > 0.95  # each last film follows its partner
    with pytest.raises(InvalidRequest, match="fitted on all ratings"):
        train("transitions", DATA, {"epochs": 0}, models_dir=tmp_path)
    kept = train("transitions", DATA, models_dir=tmp_path, refit=False)
    assert kept.stored.split["protocol"] == "leave-one-out"


def test_a_refit_of_a_model_with_epochs_uses_those_that_validation_chose(tmp_path: Path) -> None:
    trained = train("bert4rec", DATA, TINY | {"epochs": 12, "validate_every": 4}, models_dir=tmp_path, refit=True)
    ranker = load_version(tmp_path, "bert4rec", trained.stored.version).ranker
    assert trained.stored.split == {"protocol": None}
    assert getattr(ranker, "epochs_trained", None) == trained.epochs_trained


def test_zero_epochs_measure_the_stored_model_in_its_own_shape_and_warn_about_other_options(tmp_path: Path) -> None:
    trained = train("bert4rec", DATA, TINY, models_dir=tmp_path)
    again = train("bert4rec", DATA, {"epochs": 0, "hidden_size": 32, "max_length": 12}, models_dir=tmp_path)
    assert again.stored.version == trained.stored.version
    assert again.stored.metrics == pytest.approx(trained.stored.metrics)
    assert again.warnings == ("--hidden-size 32 is ignored: the stored bert4rec has 16.",)
    tested = train("bert4rec", DATA, {"epochs": 0}, models_dir=tmp_path, test=True)
    assert set(tested.stored.metrics) - set(again.stored.metrics) == {"test_hr@10", "test_ndcg@10"}
    assert tested.stored.metrics["test_ndcg@10"] > 0.95
    assert len(list((tmp_path / "bert4rec").iterdir())) == 1


def test_zero_epochs_without_a_stored_model_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="no stored bert4rec to evaluate; train it"):
        train("bert4rec", DATA, {"epochs": 0}, models_dir=tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_sizes": 3}, "bert4rec has no option hidden_sizes; it has .*hidden_size"),
        ({"heads": 3}, "bert4rec: hidden_size 64 must be a multiple of heads 3"),
    ],
)
def test_an_option_that_cannot_be_is_named(options: dict[str, int], message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=message):
        train("bert4rec", DATA, options, models_dir=tmp_path)


class Interrupted:
    """A watcher that presses Ctrl-C in the second epoch."""

    epochs = 0

    @contextmanager
    def task(self, what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        def advance(_done: int) -> None:
            self.epochs += 1
            if self.epochs == 2:
                raise KeyboardInterrupt

        yield advance


def test_an_interrupt_leaves_nothing_behind_and_the_earlier_version_whole(tmp_path: Path) -> None:
    earlier = train("bert4rec", DATA, TINY | {"epochs": 1}, models_dir=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train("bert4rec", DATA, TINY, models_dir=tmp_path, progress=Interrupted())
    assert [path.name for path in (tmp_path / "bert4rec").iterdir()] == [earlier.stored.version]
    load_version(tmp_path, "bert4rec", earlier.stored.version)


class Popular:
    def __init__(self, split: Split) -> None:
        self.counts = np.bincount(split.train.items, minlength=FILMS).astype(np.float32)

    def scores(self, query: Query) -> np.ndarray:
        return self.counts.copy()


class Prophet:
    """Knows the validation's answers."""

    def __init__(self, split: Split) -> None:
        self.answers = {case.query.items.tobytes(): case.target for case in split.validation}

    def scores(self, query: Query) -> np.ndarray:
        return np.eye(FILMS, dtype=np.float32)[self.answers[query.items.tobytes()]]


def test_what_serves_is_the_best_on_validation_or_nothing_that_needs_training(tmp_path: Path) -> None:
    split = LeaveOneOut().split(DATA)
    good = train("transitions", DATA, models_dir=tmp_path).stored
    poor = StoredVersion("bert4rec", "x", tmp_path, {VALIDATION: 0.01}, {})
    rules: dict[str, Scorer] = {"popular": Popular(split)}
    to_beat = on_validation(rules, split)
    assert to_beat == {"popular": validation_metrics(rules["popular"], split)["ndcg@10"]}
    choice = choose_active([poor, good], to_beat)
    assert choice.version is good
    assert choice.validation == {"bert4rec": 0.01, "transitions": good.metrics[VALIDATION], **to_beat}
    assert choose_active([poor], to_beat).version is None
    assert choose_active([], to_beat).version is None
    assert choose_active([good], on_validation({"prophet": Prophet(split)}, split)).version is None


@pytest.mark.parametrize("ratings", [0, 1])
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("model", ["bert4rec", "transitions"])
def test_almost_no_data_gives_a_version_without_figures_instead_of_an_error(
    model: str, protocol: str, ratings: int, tmp_path: Path
) -> None:
    data = TrainingData.from_columns(["u"] * ratings, ["f"] * ratings, [4.0] * ratings, [1] * ratings)
    options = {"epochs": 2, "device": "cpu"} if model == "bert4rec" else {}
    trained = train(model, data, options, models_dir=tmp_path, protocol=PROTOCOLS[protocol]())
    assert set(trained.stored.metrics) == {"fit_cpu_s"}
    assert load_version(tmp_path, model, trained.stored.version).ranker.scores(Query()).shape == (ratings,)


def test_a_model_whose_library_is_missing_is_left_out_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith("recommender_api.models.bert4rec")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "torch", None)  # what an import finds where it is not installed
    with pytest.raises(ModelUnavailable, match="bert4rec needs torch, which is not installed here"):
        train("bert4rec", DATA, models_dir=Path("unused"))
