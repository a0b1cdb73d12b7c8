"""Bodies that a parser would let pass, and that would lose or change what their sender meant."""

from __future__ import annotations

import pytest

from tests.support.public_contract import problem

JSON = {"Content-Type": "application/json"}
RATED = '{"movie_id": "1", "rating": 4}'
FILM = '{"title": "A film"}'


@pytest.mark.parametrize(
    ("method", "path", "body", "name"),
    [
        ("POST", "/update_ratings", f'{{"u": {RATED}, "u": {RATED}}}', "u"),
        ("POST", "/update_ratings", '{"u": {"movie_id": "1", "movie_id": "2", "rating": 4}}', "movie_id"),
        ("POST", "/update_movie", f'{{"new": {FILM}, "new": {FILM}}}', "new"),
        ("PUT", "/v1/movies/new", '{"title": "A film", "title": "Another"}', "title"),
        ("PUT", "/v1/users/u/ratings/1", '{"rating": 4, "rating": 1}', "rating"),
        ("POST", "/v1/recommendations", '{"sequence": ["1"], "k": 2, "k": 3}', "k"),
    ],
)
def test_a_name_that_is_there_twice_is_told_and_nothing_is_written(client, stores, method, path, body, name):
    answer = client.request(method, path, content=body, headers=JSON)
    assert f'"{name}" is there twice' in problem(answer, 422)["detail"]
    assert len(stores.users.history("u")) == 0
    assert not stores.movies.get(["new"])


def test_where_a_body_stops_being_json_is_told(client):
    answer = client.post("/update_ratings", content='{"u": {"movie_id": 1,}}', headers=JSON)
    assert "not JSON" in (detail := problem(answer, 422)["detail"])
    assert "(character 21)" in detail


@pytest.mark.parametrize("body", [{"sequence": ["1"], "k": True}, {"sequence": ["1"], "year_from": False}])
def test_true_and_false_are_no_numbers(client, body):
    problem(client.post("/v1/recommendations", json=body), 422)
    problem(client.put("/v1/movies/new", json={"title": "A film", "year": True}), 422)
