"""`HttpEmbedder` against servers that speak OpenAI's shape in other dialects, and against ones that do not speak it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from embedding_generator.app import create_app
from embedding_generator.http import HttpEmbedder
from service_kit.errors import InvalidRequest, ModelUnavailable, NotFound, UpstreamUnavailable
from service_kit.http import ServiceClient
from tests.support.hash_encoder import HashEncoder
from tests.support.live import live

Answer = Callable[[dict[str, Any]], Any]
Connect = Callable[..., HttpEmbedder]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """An embedder that talks to a real server which answers as told; what it was asked is in `asked`."""
    with ExitStack() as stack:

        def start(answer: Answer, **options: Any) -> HttpEmbedder:
            async def embeddings(request: Request) -> Response:
                start.asked.append((await request.json(), dict(request.headers)))  # type: ignore[attr-defined]
                content = answer(start.asked[-1][0])  # type: ignore[attr-defined]
                return content if isinstance(content, Response) else JSONResponse(content)

            app = Starlette(routes=[Route("/v1/embeddings", embeddings, methods=["POST"])])
            client = ServiceClient("embedding", stack.enter_context(live(app)), timeout_s=5)
            stack.callback(client.close)
            return HttpEmbedder(client, **options)

        start.asked = []  # type: ignore[attr-defined]
        yield start


def plain(body: dict[str, Any]) -> dict[str, Any]:
    """What a server without base64 answers: numbers, not normalised, nothing beyond OpenAI's fields."""
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": n, "embedding": [float(len(text)), 3.0, 4.0]}
            for n, text in enumerate(body["input"])
        ],
        "model": "other-model",
        "usage": {"prompt_tokens": 7, "total_tokens": 7},
    }


def test_a_server_that_answers_numbers_is_understood_and_its_rows_normalised(connect: Connect) -> None:
    answer = connect(plain).embed(["", "Heat"])
    assert (answer.model, answer.truncated, answer.tokens) == ("other-model", (False, False), 7)
    np.testing.assert_allclose(answer.vectors[0], [0, 0.6, 0.8], atol=1e-7)
    np.testing.assert_allclose(np.linalg.norm(answer.vectors, axis=1), 1, atol=1e-6)


def test_a_server_that_answers_base64_in_another_order_is_understood(connect: Connect) -> None:
    def packed(body: dict[str, Any]) -> dict[str, Any]:
        answer = plain(body)
        for entry in answer["data"]:
            entry["embedding"] = base64.b64encode(np.array(entry["embedding"], "<f4").tobytes()).decode()
        return {**answer, "data": answer["data"][::-1]}

    np.testing.assert_allclose(connect(packed).embed(["", "Heat"]).vectors[0], [0, 0.6, 0.8], atol=1e-7)


def test_long_lists_go_as_requests_of_one_batch_each_with_texts_of_like_length(connect: Connect) -> None:
    embedder = connect(plain, batch=2)
    texts = ["x" * n for n in (9, 1, 8, 2, 5)]
    vectors = embedder.embed(texts, bulk=True).vectors
    raw = [[float(len(text)), 3.0, 4.0] for text in texts]
    np.testing.assert_allclose(vectors, raw / np.linalg.norm(raw, axis=1, keepdims=True), atol=1e-6)
    assert [[len(text) for text in body["input"]] for body, _ in connect.asked] == [[9, 8], [5, 2], [1]]  # type: ignore[attr-defined]


def test_bulk_requests_are_marked_and_a_model_is_named_only_when_set(connect: Connect) -> None:
    connect(plain).embed(["Up"])
    connect(plain, model="m").embed(["Up"], bulk=True)
    (first, first_headers), (second, second_headers) = connect.asked  # type: ignore[attr-defined]
    assert "model" not in first
    assert "x-marquee-priority" not in first_headers
    assert second["model"] == "m"
    assert second_headers["x-marquee-priority"] == "bulk"


def changed(**values: Any) -> Answer:
    return lambda body: {**plain(body), **values}


def with_vector(vector: Any) -> Answer:
    def answer(body: dict[str, Any]) -> Any:
        content = plain(body)
        content["data"][-1]["embedding"] = vector
        return content

    return answer


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda body: plain({"input": body["input"][1:]}), "with 1 embeddings for 2 texts"),
        (lambda body: plain({"input": [*body["input"], "more"]}), "wrong index at embedding 2"),
        (changed(data=[{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}]), "wrong index"),
        (changed(data=[None, None]), "wrong index"),
        (changed(data="none"), "without a list"),
        (lambda _: ["no", "object"], "without a list"),
        (with_vector([1.0, 2.0]), r"different lengths \(2 and 3\)"),
        (with_vector([0.0, 0.0, 0.0]), "zero or not finite"),
        (with_vector([1.0, None, 2.0]), "zero or not finite|not a vector"),
        (
            lambda body: Response(str(with_vector([1.0, 2.0, 3.0])(body)).replace("'", '"').replace("2.0", "NaN")),
            "zero",
        ),
        (with_vector(base64.b64encode(np.array([1, np.inf, 2], "<f4").tobytes()).decode()), "zero or not finite"),
        (with_vector("not base64!"), "not a vector"),
        (with_vector(base64.b64encode(b"12345").decode()), "not a vector"),
        (with_vector([]), "not a vector"),
        (with_vector([[1.0, 2.0, 3.0]]), "not a vector"),
        (with_vector(["a", "b", "c"]), "not a vector"),
        (with_vector(1.0), "not a vector"),
        (with_vector(None), "not a vector"),
        (lambda _: Response("<html>", media_type="text/html"), "not JSON"),
        (lambda _: Response("busy", 500), "500"),
    ],
)
def test_a_bad_answer_is_one_sentence_about_the_service(connect: Connect, answer: Answer, reason: str) -> None:
    with pytest.raises(UpstreamUnavailable, match=rf"the embedding service answered .*{reason}"):
        connect(answer).embed(["", "Heat"])


def test_a_model_that_changes_between_two_requests_of_a_call_is_not_mixed(connect: Connect) -> None:
    models = iter(["first", "second"])
    with pytest.raises(UpstreamUnavailable, match="went from first to second meanwhile"):
        connect(lambda body: {**plain(body), "model": next(models)}, batch=1).embed(["Up", "Heat"])


def test_a_service_that_is_not_there_is_said_to_be_out_of_reach() -> None:
    client = ServiceClient("embedding", "http://127.0.0.1:9")
    with pytest.raises(UpstreamUnavailable, match="embedding service is out of reach"):
        HttpEmbedder(client).embed(["Up"])
    client.close()


def test_problems_of_our_own_service_come_back_as_they_were(make_engine: Any, make_settings: Any) -> None:
    with live(create_app(make_engine(HashEncoder()), make_settings(embedding_max_characters=9))) as url:
        client = ServiceClient("embedding", url, timeout_s=5)
        with pytest.raises(NotFound, match="other is not loaded here; hash@1 is"):
            HttpEmbedder(client, "other").embed(["Up"])
        with pytest.raises(InvalidRequest, match="has 10 characters"):
            HttpEmbedder(client).embed(["x" * 10])
        with pytest.raises(ModelUnavailable, match="failed on a text"):
            HttpEmbedder(client).embed(["poison"])
        client.close()
