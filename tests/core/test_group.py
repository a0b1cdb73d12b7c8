"""Several people together: what none of them has rated, by two ways of agreeing, with each one's reasons."""

from __future__ import annotations

import pytest

from tests.support import world
from tests.support.public_contract import ids, problem

MEMBERS = [world.MANY, world.FEW, world.NOBODY]
RATED = {rating.movie_id for user in MEMBERS for rating in world.ratings().get(user, ())}


def ask(client, users=MEMBERS, **asked):
    return client.post("/v1/recommendations", json={"users": users, **asked})


@pytest.mark.parametrize("aggregate", ["average", "least_misery"])
def test_a_group_gets_what_nobody_of_it_has_rated(client, aggregate):
    answer = ask(client, k=40, aggregate=aggregate)
    assert set(ids(answer)) == {movie.id for movie in world.movies()} - RATED
    scores = [item["score"] for item in answer.json()["items"]]
    assert scores == sorted(scores, reverse=True)
    assert answer.json()["history_length"] == sum(len(world.ratings().get(user, ())) for user in MEMBERS)
    assert answer.json()["strategy"] == "popular"  # the worst of the members'
    told = [(member["user_id"], member["strategy"]) for member in answer.json()["members"]]
    assert told == list(zip(MEMBERS, ["model", "neighbours", "popular"], strict=True))


def test_each_member_counts_once(client):
    assert ids(ask(client, [world.MANY, world.FEW, world.FEW])) == ids(ask(client, [world.MANY, world.FEW]))


def test_the_average_adds_reciprocal_places_and_least_misery_goes_by_the_worst(client):
    whole = ask(client, k=40).json()["items"]
    places = {item["id"]: [member["place"] for member in item["for_each"]] for item in whole}
    assert all(None not in row for row in places.values())

    def average(film):
        return sum(1 / (60 + place) for place in places[film])

    assert [item["id"] for item in whole] == sorted(places, key=lambda film: (-average(film), film))
    for item in whole:
        assert item["score"] == pytest.approx(average(item["id"]))
    fair = ids(ask(client, k=40, aggregate="least_misery"))
    assert fair == sorted(places, key=lambda film: (max(places[film]), -average(film), film))


def test_each_member_is_told_why(client):
    items = ask(client, explain=True).json()["items"]
    reasons = {user: set() for user in MEMBERS}
    for item in items:
        assert [member["user_id"] for member in item["for_each"]] == MEMBERS
        for member in item["for_each"]:
            reasons[member["user_id"]].update(film["id"] for film in member["because"])
    assert reasons[world.NOBODY] == set()
    for user in (world.MANY, world.FEW):
        assert reasons[user]
        assert reasons[user] <= {rating.movie_id for rating in world.ratings()[user]}


def test_rules_pages_and_what_was_kept_out_work_for_groups(client):
    few = [world.FEW, world.ONE]
    first = ask(client, few, k=2, genres=["drama"], filtered=True).json()
    second = ask(client, few, k=2, genres=["drama"], cursor=first["next"]).json()
    shown = [item["id"] for item in (*first["items"], *second["items"])]
    assert len(set(shown)) == len(shown) == 4
    rated = {rating.movie_id for user in few for rating in world.ratings()[user]}
    told = {out["rule"]: out["count"] for out in first["filtered"]["rules"]}
    assert told == {
        "genres": sum("Drama" not in movie.genres for movie in world.movies() if movie.id not in rated),
        "seen": sum(len(world.ratings()[user]) for user in few),
    }


def test_another_way_of_agreeing_is_refused(client):
    assert "aggregate" in problem(ask(client, aggregate="dictator"), 422)["detail"]
