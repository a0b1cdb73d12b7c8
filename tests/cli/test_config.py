"""Settings: every one is documented, and `marquee config` tells where each value came from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("option", "file"), [("--env", ".env.example"), ("--markdown", "docs/configuration.md")])
def test_the_written_file_is_up_to_date(home, marquee, monkeypatch, option, file):
    for name in ("MARQUEE_HOME", "MARQUEE_EMBEDDING_MODEL", "MARQUEE_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    assert marquee("config", option).out == (ROOT / file).read_text("utf-8"), "run make config"


def test_every_setting_has_a_line_of_meaning(home, marquee):
    settings = json.loads(marquee("config", "--json").out)
    assert len(settings) > 50
    assert not [setting["variable"] for setting in settings if len(setting["meaning"]) < 10]


def test_the_settings_that_people_look_for_are_there(home, marquee):
    text = marquee("config", "--env").out
    for name in (
        "PORT",
        "DATASET",
        "DATASETS",
        "SEQUENCE_LENGTH",
        "DEVICE",
        "STORE",
        "API_KEYS",
        "SERVICE_KEY",
        "HOME",
    ):
        assert f"#MARQUEE_{name}=" in text


def test_config_tells_where_a_value_came_from(home, marquee, monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("MARQUEE_MODEL_THRESHOLD=7\nELASTIC_PASSWORD=x\n")
    monkeypatch.setenv("MARQUEE_PORT", "2222")
    found = {s["variable"]: s for s in reversed(json.loads(marquee("config", "--json").out))}
    assert (found["MARQUEE_PORT"]["value"], found["MARQUEE_PORT"]["source"]) == ("2222", "environment")
    assert (found["MARQUEE_MODEL_THRESHOLD"]["value"], found["MARQUEE_MODEL_THRESHOLD"]["source"]) == ("7", ".env")
    assert found["MARQUEE_MAX_K"]["source"] == "default"


def test_config_shows_no_secret(home, marquee, monkeypatch):
    monkeypatch.setenv("MARQUEE_SERVICE_KEY", "open-sesame")
    monkeypatch.setenv("MARQUEE_API_KEYS", "read:" + "ab" * 32)
    monkeypatch.setenv("MARQUEE_STORE", "http://elastic:open-sesame@localhost:9200")
    for form in ((), ("--json",), ("--markdown",), ("--env",)):
        done = marquee("config", *form)
        assert done.code == 0
        assert "open-sesame" not in done.out
        assert "abab" not in done.out


def test_a_key_given_in_plain_text_is_not_repeated(home, marquee, monkeypatch):
    monkeypatch.setenv("MARQUEE_API_KEYS", "read:open-sesame")
    done = marquee("config")
    assert done.code == 1
    assert "MARQUEE_API_KEYS" in done.err
    assert "open-sesame" not in done.out + done.err


@pytest.mark.parametrize(
    ("variable", "value"), [("MARQUEE_PORT", "x"), ("MARQUEE_API_KEYS", "nonsense"), ("MARQUEE_MAX_K", "0")]
)
def test_a_value_that_cannot_be_is_one_sentence_that_names_it(home, marquee, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    done = marquee("config")
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert variable in done.err


@pytest.mark.parametrize("service", ["EMBEDDING", "RECOMMENDER"])
@pytest.mark.parametrize(
    "address", ["ftp://127.0.0.1:8000", "localhost:8000", "//localhost", "http://", "http://h:port", "http://[::1"]
)
def test_a_service_is_reached_by_http_or_https_only(home, marquee, monkeypatch, service, address):
    monkeypatch.setenv(f"MARQUEE_{service}_URL", address)
    done = marquee("serve", "core")
    assert (done.code, done.out) == (1, "")
    assert done.err.count("\n") == 1
    assert done.err.startswith(f"MARQUEE_{service}_URL cannot be '{address}': ")


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "https://services.example/embedding/", "HTTP://[::1]:80"])
def test_an_address_of_a_service_is_taken_as_it_is(home, marquee, monkeypatch, address):
    monkeypatch.setenv("MARQUEE_EMBEDDING_URL", address)
    found = {s["variable"]: s["value"] for s in json.loads(marquee("config", "--json").out)}
    assert found["MARQUEE_EMBEDDING_URL"] == address


def test_a_wrong_address_is_shown_without_its_password(home, marquee, monkeypatch):
    monkeypatch.setenv("MARQUEE_EMBEDDING_URL", "ftp://somebody:open-sesame@127.0.0.1")
    assert "'ftp://somebody:********@127.0.0.1'" in marquee("config").err


def test_a_file_of_settings_that_is_not_utf_8_is_one_sentence(home, marquee, tmp_path):
    (tmp_path / ".env").write_bytes("MARQUEE_DATASET=für mich".encode("utf-16"))
    for command in ("config", "status"):
        done = marquee(command)
        assert (done.code, done.out) == (1, "")
        assert done.err == "the file .env in this folder is not UTF-8: save it as UTF-8\n"
