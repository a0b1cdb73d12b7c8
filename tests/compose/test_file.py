"""compose.yaml and the Dockerfile as text: well formed, closed to the outside, nothing secret, everything bounded."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import pytest
import yaml

from tests.support import compose
from tests.support.compose import FILE, OURS, ROOT

PASSWORD = "a-password-of-the-test"

CONDITION = {"enum": ["service_started", "service_healthy", "service_completed_successfully"]}
NAMES = {"type": "array", "items": {"type": "string", "minLength": 1}}
SERVICE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["image", "mem_limit"],
    "properties": {
        "image": {"type": "string", "pattern": r"^[a-z][a-z0-9/-]*:[a-z0-9.]+$"},
        "build": {"type": "string"},
        "command": NAMES,
        "user": {"type": "string", "pattern": r"^\d+:\d+$"},
        "read_only": {"type": "boolean"},
        "tmpfs": NAMES,
        "cap_drop": NAMES,
        "security_opt": NAMES,
        "profiles": NAMES,
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "mem_limit": {"type": "string", "pattern": r"^\d+[mg]$"},
        "restart": {"enum": ["no", "unless-stopped"]},
        "ports": {"type": "array", "items": {"type": "string", "pattern": r"^127\.0\.0\.1:\d+:\d+$"}},
        "volumes": {"type": "array", "items": {"type": "string", "pattern": r"^[a-z-]+:/[a-z/]+(:ro)?$"}},
        "depends_on": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["condition"],
                "properties": {"condition": CONDITION},
            },
        },
        "healthcheck": {
            "type": "object",
            "additionalProperties": False,
            "required": ["test", "interval", "timeout", "retries"],
            "properties": {
                "test": {"type": "array", "minItems": 2, "items": {"type": "string"}},
                "interval": {"type": "string", "pattern": r"^\d+s$"},
                "timeout": {"type": "string", "pattern": r"^\d+s$"},
                "start_period": {"type": "string", "pattern": r"^\d+s$"},
                "retries": {"type": "integer", "minimum": 1},
            },
        },
    },
}
SCHEMA = {  # the part of the compose specification that our file uses
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "services", "volumes"],
    "patternProperties": {"^x-": {"type": "object"}},
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z][a-z0-9_-]*$"},
        "services": {"type": "object", "additionalProperties": SERVICE},
        "volumes": {"type": "object", "additionalProperties": {"type": "null"}},
    },
}


@pytest.fixture(scope="module")
def stack() -> dict[str, Any]:
    return compose.read({"ELASTIC_PASSWORD": PASSWORD})


@pytest.fixture(scope="module")
def services(stack) -> dict[str, Any]:
    return stack["services"]


def test_the_file_is_valid(stack):
    jsonschema.validate(stack, SCHEMA)


def test_every_name_that_is_referred_to_exists(stack):
    services, volumes = stack["services"], set(stack["volumes"])
    for name, service in services.items():
        assert set(service.get("depends_on", ())) <= set(services), name
        assert {volume.split(":")[0] for volume in service.get("volumes", ())} <= volumes, name


def test_without_a_password_it_fails_with_a_sentence_that_says_what_to_do():
    with pytest.raises(compose.Missing, match="make up"):
        compose.read({})


def test_no_secret_stands_in_the_file():
    text = FILE.read_text("utf-8")
    for line in text.splitlines():
        match = re.match(r"\s*\w*(PASSWORD|KEYS?|SECRET|TOKEN):\s*(.*)", line)
        assert not match or "${" in match[2] or match[2].startswith("*"), line


def test_only_the_core_is_published_and_only_on_loopback(services):
    published = {name: service["ports"] for name, service in services.items() if service.get("ports")}
    assert published.pop("dev-ports")  # see the next test
    assert published == {"core": ["127.0.0.1:1111:1111"]}


def test_the_dev_profile_publishes_the_inner_services_on_loopback(services):
    dev = services["dev-ports"]
    assert dev["profiles"] == ["dev"]
    assert dev["ports"] == ["127.0.0.1:9200:9200", "127.0.0.1:8000:8000", "127.0.0.1:8001:8001"]
    assert [name for name, service in services.items() if service.get("profiles")] == ["dev-ports"]
    routes = [route.split(":") for route in dev["command"] if re.fullmatch(r"\d+:[a-z]+:\d+", route)]
    assert [(int(a), host) for a, host, _b in routes] == [
        (9200, "elasticsearch"),
        (8000, "embedding"),
        (8001, "recommender"),
    ]


def test_the_published_port_can_be_set():
    stack = compose.read({"ELASTIC_PASSWORD": PASSWORD, "MARQUEE_PORT": "1112"})
    assert stack["services"]["core"]["ports"] == ["127.0.0.1:1112:1111"]


@pytest.mark.parametrize("name", OURS)
def test_our_containers_can_do_little(services, name):
    service = services[name]
    assert service["read_only"] is True
    assert int(service["user"].split(":")[0]) >= 1000
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]
    assert "privileged" not in service


def test_every_container_has_a_memory_limit(services):
    assert all(service["mem_limit"] for service in services.values())


def test_services_that_only_read_models_cannot_write_them(services):
    for name in ("embedding", "recommender"):
        assert "home:/var/lib/marquee:ro" in services[name]["volumes"]
    assert "volumes" not in services["core"]


def test_elasticsearch_is_the_official_image_with_a_password(services):
    service = services["elasticsearch"]
    environment = service["environment"]
    assert service["image"] == "elasticsearch:9.2.0"
    assert environment["xpack.security.enabled"] == "true"
    assert environment["xpack.security.http.ssl.enabled"] == "false"
    assert environment["cluster.routing.allocation.disk.threshold_enabled"] == "false"
    assert environment["discovery.type"] == "single-node"
    assert environment["ELASTIC_PASSWORD"] == PASSWORD
    heaps = {
        int(number) * (1024 if unit == "g" else 1)
        for number, unit in re.findall(r"-Xm[sx](\d+)([gm])", environment["ES_JAVA_OPTS"])
    }
    assert len(heaps) == 1
    assert 512 <= heaps.pop() <= 1024


def test_whoever_uses_the_store_has_its_password(services):
    for name in ("setup", "core"):
        environment = services[name]["environment"]
        assert environment["MARQUEE_STORE"] == "http://elasticsearch:9200"
        assert environment["MARQUEE_ELASTICSEARCH_PASSWORD"] == PASSWORD
    for name in ("embedding", "recommender", "dev-ports"):
        assert PASSWORD not in str(services[name])


def test_everybody_waits_for_the_setup_which_runs_once(services):
    assert services["setup"]["restart"] == "no"
    assert services["setup"]["depends_on"] == {"elasticsearch": {"condition": "service_healthy"}}
    for name in ("embedding", "recommender", "core"):
        assert services[name]["depends_on"]["setup"] == {"condition": "service_completed_successfully"}
    for name in ("elasticsearch", "embedding", "recommender"):
        assert services["core"]["depends_on"][name] == {"condition": "service_healthy"}


def test_whatever_must_be_healthy_has_a_health_check(services):
    for service in services.values():
        for name, wait in service.get("depends_on", {}).items():
            assert wait["condition"] != "service_healthy" or "healthcheck" in services[name]
    assert "healthcheck" in services["core"]  # `make up` waits for it


def test_every_setting_in_the_file_exists(services):
    from marquee.describe_settings import settings

    known = {setting.variable for setting in settings()}
    for name in OURS:
        used = {key for key in services[name].get("environment", {}) if key.startswith("MARQUEE_")}
        assert used <= known, name


def test_the_image_is_built_in_stages_from_the_lock_and_runs_as_nobody_in_particular():
    text = (ROOT / "Dockerfile").read_text("utf-8")
    stages = re.split(r"(?m)^FROM ", text)[1:]
    assert len(stages) == 2
    assert all(stage.startswith("python:3.13-slim") for stage in stages)
    assert "--torch cpu" in stages[0]
    assert re.search(r"(?m)^USER 10001:10001$", stages[1])
    assert "RUN pip install" not in text  # all from the hashed lock


def test_the_image_gets_what_it_needs_and_nothing_else():
    """A file that the Dockerfile copies must get past .dockerignore; local state and secrets must not."""
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_in = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = set(re.findall(r"(?m)^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text("utf-8")))
    assert {name for names in copied for name in names.split()} == let_in
    assert ignored[0] == "*"
    assert not {".env", ".git", ".venv", "tests"} & let_in


def test_the_yaml_has_no_duplicate_keys():
    class Strict(yaml.SafeLoader):
        pass

    def mapping(loader, node):
        keys = [key.value for key, _value in node.value if key.tag != "tag:yaml.org,2002:merge"]
        assert len(keys) == len(set(keys)), keys
        loader.flatten_mapping(node)
        return {loader.construct_object(key): loader.construct_object(value, deep=True) for key, value in node.value}

    Strict.add_constructor("tag:yaml.org,2002:map", mapping)
    assert yaml.load(FILE.read_text("utf-8"), Strict)["name"] == "marquee"
