"""What every caller may rely on, over HTTP alone: one class of tests for every way to run the service.

A subclass gives `client`: an HTTP client whose base URL is a running core with a catalogue of 40 films or more,
vectors, a trained model, and a user 18 with at least 20 ratings. The tests make their own users and films, and take
them away.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.http_answers import ids, problem
from tests.support.personal_contract import PersonalContract

KNOWN_USER = "18"


class PublicContract(PersonalContract):
    @pytest.fixture
    def films(self, client: Any) -> list[str]:
        """Films of the catalogue, popular ones first."""
        return ids(client.get("/recommendations", params={"user_id": f"nobody-{uuid.uuid4()}", "k": 40}))

    @pytest.fixture
    def new_user(self, client: Any) -> Iterator[Callable[..., str]]:
        """Makes a user with these ratings; forgets all of them at the end."""
        made = []

        def make(films: list[str] | None = None, rating: float = 4.5) -> str:
            user = f"contract-{uuid.uuid4()}"
            made.append(user)
            if films:
                body = {user: {"movie_id": films, "ratings": [rating] * len(films)}}
                assert client.post("/update_ratings", json=body).status_code == 200
            return user

        yield make
        for user in made:
            client.delete(f"/v1/users/{user}")

    @pytest.fixture
    def new_film(self, client: Any) -> Iterator[Callable[..., str]]:
        made = []

        def make(**fields: Any) -> str:
            film = f"contract-{uuid.uuid4()}"
            made.append(film)
            answer = client.post("/update_movie", json={film: {"title": "A Film of the Contract (2020)", **fields}})
            assert answer.json() == {"updated": [film], "vectors": "ready"}
            return film

        yield make
        for film in made:
            client.delete(f"/v1/movies/{film}")

    # GET /recommendations

    def test_a_user_with_many_ratings_gets_ten_films_by_the_model(self, client):
        answer = client.get("/recommendations", params={"user_id": KNOWN_USER})
        assert answer.headers["x-marquee-strategy"] == "model"
        assert "x-marquee-fallback-reason" not in answer.headers
        items = answer.json()["items"]
        assert all(item == {"id": item["id"], "movie_id": item["id"]} for item in items)
        seen = set(client.get("/features", params={"user_id": KNOWN_USER}).json()["features"][0]["histories"])
        assert len({item["id"] for item in items} - seen) == 10

    def test_a_user_with_few_ratings_gets_films_by_the_model_too(self, client, new_user, films):
        answer = client.get("/recommendations", params={"user_id": new_user(films[:3])})
        assert answer.headers["x-marquee-strategy"] == "model"
        assert "x-marquee-fallback-reason" not in answer.headers
        assert len(set(ids(answer)) - set(films[:3])) == 10

    @pytest.mark.parametrize("kind", ["unknown", "none left"])
    def test_a_user_without_ratings_gets_popular_films_and_the_reason(self, client, new_user, films, kind):
        user = new_user(films[:1] if kind == "none left" else None)
        if kind == "none left":
            assert client.delete(f"/v1/users/{user}/ratings/{films[0]}").status_code == 204
        answer = client.get("/recommendations", params={"user_id": user})
        assert answer.headers["x-marquee-strategy"] == "popular"
        assert answer.headers["x-marquee-fallback-reason"] == "no_history"
        assert ids(answer) == films[:10]

    def test_k_films_come_as_often_as_asked_for(self, client):
        first = ids(client.get("/recommendations", params={"user_id": KNOWN_USER, "k": 1}))
        assert ids(client.get("/recommendations", params={"user_id": KNOWN_USER, "k": 5}))[:1] == first
        for wrong in (0, -1, "many", 10_000_000):
            assert (
                "k"
                in problem(client.get("/recommendations", params={"user_id": KNOWN_USER, "k": wrong}), 422)["detail"]
            )
        assert "user_id" in problem(client.get("/recommendations"), 422)["detail"]

    @pytest.mark.parametrize("yes", ["true", "True", "1"])
    def test_metadata_comes_when_asked_for(self, client, new_user, new_film, yes):
        film = new_film(genres=["Drama", "Crime"], tags=["fun", "pixar"])
        everything = {"user_id": new_user(), "k": 1000, "returnMetadata": yes}
        items = {item["id"]: item for item in client.get("/recommendations", params=everything).json()["items"]}
        assert all(isinstance(item["title"], str) and item["title"] for item in items.values())
        expected = {"id": film, "movie_id": film, "title": "A Film of the Contract (2020)"}
        if film in items:  # a large catalogue has better films to fill a thousand places
            assert items[film] == {**expected, "genres": "Drama|Crime", "tags": "fun|pixar"}
        lists = client.get("/recommendations", params={**everything, "genresAs": "list"}).json()["items"]
        assert all(isinstance(item["genres"], list) and isinstance(item["tags"], list) for item in lists)
        if film in items:
            assert {**expected, "genres": ["Drama", "Crime"], "tags": ["fun", "pixar"]} in lists

    def test_a_rating_changes_the_very_next_answer(self, client, new_user, films):
        user = new_user()
        older = {"movie_id": films[10:13], "ratings": [4, 5, 4], "timestamps": [1000, 1001, 1002]}
        client.post("/update_ratings", json={user: older})
        first = ids(client.get("/recommendations", params={"user_id": user}))
        body = {user: {"movie_id": first[0], "rating": 5}}
        assert client.post("/update_ratings", json=body).json() == {"updated": {user: 1}, "unknown_movies": []}
        assert first[0] not in ids(client.get("/recommendations", params={"user_id": user}))
        assert client.get("/features", params={"user_id": user}).json()["features"][0]["histories"][0] == first[0]

    def test_the_first_rating_calls_the_model(self, client, new_user, films):
        user = new_user()
        assert client.get("/recommendations", params={"user_id": user}).headers["x-marquee-strategy"] == "popular"
        client.post("/update_ratings", json={user: {"movie_id": films[19], "rating": 4}})
        assert client.get("/recommendations", params={"user_id": user}).headers["x-marquee-strategy"] == "model"

    # GET /features

    def test_features_are_newest_first_with_ties_as_posted(self, client, new_user, films):
        user, (one, two, three, four) = new_user(), films[:4]
        body = {
            user: {"movie_id": [one, two, three, four], "ratings": [1, 2, 3, 4], "timestamps": [100, 300, 300, 200]}
        }
        client.post("/update_ratings", json=body)
        features = client.get("/features", params={"user_id": user}).json()
        assert features == {"features": [{"histories": [two, three, four, one]}]}

    def test_features_by_id_give_the_highest_first(self, client, new_user):
        user = new_user(["9", "1000000009", "80"])
        features = client.get("/features", params={"user_id": user, "order": "id"}).json()
        assert features == {"features": [{"histories": ["1000000009", "80", "9"]}]}

    def test_an_unknown_user_has_no_features(self, client):
        assert client.get("/features", params={"user_id": "nobody at all"}).json() == {"features": [{"histories": []}]}

    # POST /update_ratings

    @pytest.mark.parametrize(
        "entry",
        [
            {"movie_id": ["{film}"], "ratings": [4.5]},
            {"movie_id": "{film}", "rating": 4.5},
            {"movie_id": "{film}", "ratings": 4.5},
            {"movie_id": ["{film}"], "rating": [4.5], "timestamp": 1_600_000_000},
            {"movie_id": ["{film}"], "ratings": [4.5], "timestamps": [1_600_000_000]},
        ],
    )
    def test_ratings_come_in_several_forms(self, client, new_user, films, entry):
        user = new_user()
        entry = {**entry, "movie_id": [films[0]] if isinstance(entry["movie_id"], list) else films[0]}
        assert client.post("/update_ratings", json={user: entry}).json()["updated"] == {user: 1}
        (kept,) = client.get(f"/v1/users/{user}/ratings").json()["items"]
        assert (kept["movie_id"], kept["rating"]) == (films[0], 4.5)
        assert kept["timestamp"] == 1_600_000_000 or abs(kept["timestamp"] - time.time()) < 60

    def test_numbers_are_ids_too_and_answers_hold_strings(self, client, new_user):
        user = new_user()
        answer = client.post("/update_ratings", json={user: {"movie_id": [987654321, "987654322"], "ratings": [0, 5]}})
        assert answer.json() == {"updated": {user: 2}, "unknown_movies": ["987654321", "987654322"]}
        kept = client.get(f"/v1/users/{user}/ratings").json()["items"]
        assert {row["movie_id"]: (row["rating"], row["title"]) for row in kept} == {
            "987654321": (0, None),
            "987654322": (5, None),
        }

    def test_the_later_time_wins_and_the_future_is_cut_to_now(self, client, new_user, films):
        user, film = new_user(), films[0]
        for rating, timestamp in ((3.0, 1000), (1.0, 500), (4.0, 99_999_999_999)):
            client.post("/update_ratings", json={user: {"movie_id": film, "rating": rating, "timestamp": timestamp}})
        (kept,) = client.get(f"/v1/users/{user}/ratings").json()["items"]
        assert kept["rating"] == 4.0
        assert kept["timestamp"] <= time.time() + 60

    def test_a_rating_after_an_undone_one_counts(self, client, new_user, films):
        user = new_user(films[:1])
        client.delete(f"/v1/users/{user}/ratings/{films[0]}")
        client.post("/update_ratings", json={user: {"movie_id": films[0], "rating": 2}})
        (kept,) = client.get(f"/v1/users/{user}/ratings").json()["items"]
        assert kept["rating"] == 2

    @pytest.mark.parametrize(
        ("entry", "named"),
        [
            ({"movie_id": ["1", "2"], "ratings": [4]}, "2 films but 1 ratings"),
            ({"movie_id": ["1"], "ratings": [5.5]}, "ratings[0]"),
            ({"movie_id": ["1", "2"], "ratings": [5, -0.5]}, "ratings[1]"),
            ({"movie_id": ["1"], "ratings": ["4"]}, "ratings[0]"),
            ({"movie_id": ["1"], "ratings": [True]}, "ratings[0]"),
            ({"movie_id": ["1"], "ratings": [None]}, "ratings[0]"),
            ({"movie_id": ["1", ""], "ratings": [1, 2]}, "movie_id[1]"),
            ({"movie_id": [["1"]], "ratings": [1]}, "movie_id[0]"),
            ({"movie_id": ["1"], "ratings": [1], "timestamps": [-5]}, "timestamps[0]"),
            ({"movie_id": ["1"], "ratings": [1], "timestamps": [1, 2]}, "2 timestamps"),
            ({"movie_id": ["1"]}, "ratings"),
            ({"movie_id": ["1"], "ratings": [1], "rating": [1]}, "not both"),
            ({"ratings": [1]}, "movie_id"),
            ({"movie_id": ["1"], "ratings": [1], "mood": "good"}, "mood"),
            ("4.5", "movie_id"),
        ],
    )
    def test_one_bad_entry_is_named_and_nothing_is_written(self, client, new_user, films, entry, named):
        good, bad = new_user(), new_user()
        body = {good: {"movie_id": films[:1], "ratings": [4]}, bad: entry}
        detail = problem(client.post("/update_ratings", json=body), 422)["detail"]
        assert bad in detail
        assert named in detail
        for user in (good, bad):
            assert client.get("/features", params={"user_id": user}).json() == {"features": [{"histories": []}]}

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
    def test_numbers_are_finite(self, client, new_user, number):
        content = f'{{"{new_user()}": {{"movie_id": "1", "rating": {number}}}}}'
        answer = client.post("/update_ratings", content=content, headers={"Content-Type": "application/json"})
        assert "rating" in problem(answer, 422)["detail"]

    def test_a_body_sent_to_the_wrong_call_is_told_where_it_belongs(self, client):
        ratings, film = {"1": {"movie_id": ["1"], "ratings": [4]}}, {"1": {"title": "Heat (1995)"}}
        assert "/update_ratings" in problem(client.post("/update_movie", json=ratings), 422)["detail"]
        assert "/update_movie" in problem(client.post("/update_ratings", json=film), 422)["detail"]

    # POST /update_movie

    def test_a_new_film_has_a_vector_and_is_found_at_once(self, client, new_film):
        word = f"zyq{uuid.uuid4().hex[:8]}"
        film = new_film(title=f"The {word} Affair (2021)", genres="Crime|Drama", tags="heist|docks")
        twin = new_film(title=f"The {word} Affair (2022)", genres="Crime|Drama", tags="heist|docks")
        near = client.get(f"/v1/movies/{film}/similar").json()
        assert near["fallback_reason"] is None
        assert near["items"][0]["id"] == twin
        assert set(ids(client.get("/v1/movies", params={"q": word}))[:2]) == {film, twin}
        text = f"The {word} Affair (2021). Crime, Drama. heist, docks"
        by_meaning = client.get("/v1/movies", params={"q": text, "mode": "semantic", "k": 5}).json()
        assert by_meaning["mode"] == "semantic"
        assert {film, twin} & {item["id"] for item in by_meaning["items"]}

    def test_what_is_absent_stays_as_it_is(self, client, new_film):
        film = new_film(title=" Häxan: “Witchcraft”, The  (1922)", genres="Documentary|Horror", tags=["witches"])
        rich = {"director": "Benjamin Christensen", "cast": ["Maren Pedersen"], "overview": "Of witches."}
        client.post("/update_movie", json={film: rich})
        client.post("/update_movie", json={film: {"tags": "silent|witches"}})
        kept = client.get(f"/v1/movies/{film}").json()
        assert kept["title"] == " Häxan: “Witchcraft”, The  (1922)"
        assert (kept["genres"], kept["tags"], kept["year"]) == (["Documentary", "Horror"], ["silent", "witches"], 1922)
        assert (kept["director"], kept["cast"]) == (["Benjamin Christensen"], ["Maren Pedersen"])
        assert (kept["overview"], kept["keywords"]) == ("Of witches.", [])
        client.post("/update_movie", json={film: {"title": "Heksen", "genres": []}})
        kept = client.get(f"/v1/movies/{film}").json()
        assert (kept["title"], kept["genres"], kept["tags"]) == ("Heksen", [], ["silent", "witches"])

    def test_a_new_film_needs_a_title_and_a_bad_one_keeps_all_out(self, client):
        good, bad = f"contract-{uuid.uuid4()}", f"contract-{uuid.uuid4()}"
        for entry in ({"genres": "Drama"}, {"title": ""}, {"title": 5}, {"title": "x", "mood": 1}, ["x"], None):
            answer = client.post("/update_movie", json={good: {"title": "Fine"}, bad: entry})
            assert bad in problem(answer, 422)["detail"]
            problem(client.get(f"/v1/movies/{good}"), 404)

    def test_a_film_rated_before_it_was_known_becomes_known(self, client, new_user, new_film):
        film, user = new_film(), new_user()
        client.delete(f"/v1/movies/{film}")
        body = {user: {"movie_id": film, "rating": 5}}
        assert client.post("/update_ratings", json=body).json()["unknown_movies"] == [film]
        client.post("/update_movie", json={film: {"title": "Known now (2020)"}})
        assert client.post("/update_ratings", json=body).json()["unknown_movies"] == []
        assert film not in ids(client.get("/recommendations", params={"user_id": user, "k": 100}))

    def test_a_deleted_film_is_recommended_no_more(self, client, new_user, films):
        user = new_user()
        assert films[0] in ids(client.get("/recommendations", params={"user_id": user}))
        kept = client.get(f"/v1/movies/{films[0]}").json()
        assert client.delete(f"/v1/movies/{films[0]}").status_code == 204
        try:
            assert films[0] not in ids(client.get("/recommendations", params={"user_id": user}))
            problem(client.get(f"/v1/movies/{films[0]}"), 404)
        finally:
            again = {name: kept[name] for name in ("title", "genres", "tags", "year", "imdb_id", "tmdb_id")}
            assert client.put(f"/v1/movies/{films[0]}", json=again).json() == {**kept, "vectors": "ready"}

    # v1

    def test_v1_recommendations_say_how_they_came_about(self, client):
        answer = client.get(f"/v1/users/{KNOWN_USER}/recommendations", params={"k": 5, "explain": True}).json()
        assert answer["strategy"] == "model"
        assert answer["model"]
        assert answer["fallback_reason"] is None
        assert answer["history_length"] >= 20
        scores = [item["score"] for item in answer["items"]]
        assert scores == sorted(scores, reverse=True)
        plain = client.get("/recommendations", params={"user_id": KNOWN_USER, "k": 5})
        assert [item["id"] for item in answer["items"]] == ids(plain)
        for item in answer["items"]:
            assert {"id", "title", "year", "genres", "score", "because"} <= item.keys()

    def test_filters_hold(self, client):
        asked = {"genres": "Drama|Comedy", "exclude_genres": "Horror", "year_from": 1980, "year_to": 2015, "k": 5}
        items = client.get(f"/v1/users/{KNOWN_USER}/recommendations", params=asked).json()["items"]
        assert items
        for item in items:
            assert {"Drama", "Comedy"} & set(item["genres"])
            assert "Horror" not in item["genres"]
            assert 1980 <= item["year"] <= 2015
        without = {**asked, "exclude": f"{items[0]['id']},{items[-1]['id']}"}
        rest = ids(client.get(f"/v1/users/{KNOWN_USER}/recommendations", params=without))
        assert not {items[0]["id"], items[-1]["id"]} & set(rest)

    @pytest.mark.parametrize("strategy", ["popular", "neighbours", "model"])
    def test_every_strategy_can_be_asked_for(self, client, new_user, films, strategy):
        answer = client.get(f"/v1/users/{new_user(films[:5])}/recommendations", params={"model": strategy}).json()
        assert (answer["strategy"], answer["fallback_reason"]) == (strategy, None)

    def test_a_sequence_needs_no_account(self, client, films):
        asked = {"sequence": [*films[:3], "no such film"], "avoid": films[3:5], "k": 5}
        answer = client.post("/v1/recommendations", json=asked)
        assert answer.json()["strategy"] == "model"
        assert answer.json()["unknown_movies"] == ["no such film"]
        assert len(set(ids(answer)) - set(films[:5])) == 5

    def test_a_group_gets_what_none_of_it_has_rated(self, client, new_user, films):
        members = [new_user(films[:4]), new_user(films[4:8])]
        answer = client.post("/v1/recommendations", json={"users": members, "k": 5})
        assert len(set(ids(answer)) - set(films[:8])) == 5
        problem(client.post("/v1/recommendations", json={"k": 3}), 422)
        problem(client.post("/v1/recommendations", json={"users": members, "sequence": ["1"]}), 422)

    def test_from_a_film_come_films_of_its_genres_that_the_user_has_not_rated(self, client, new_user, films):
        film = client.get(f"/v1/movies/{films[0]}").json()
        answer = client.get(f"/v1/movies/{film['id']}/recommendations", params={"user_id": KNOWN_USER, "k": 5}).json()
        assert (answer["strategy"], answer["fallback_reason"]) == ("model", None)
        assert answer["models"] == ["soup", "regression"]
        seen = client.get("/features", params={"user_id": KNOWN_USER}).json()["features"][0]["histories"]
        assert not {item["id"] for item in answer["items"]} & {film["id"], *seen}
        assert all(set(item["genres"]) & set(film["genres"]) for item in answer["items"][:3])
        scores = [item["score"] for item in answer["items"]]
        assert scores == sorted(scores, reverse=True)
        assert len(scores) == 5

    def test_from_a_film_keywords_answer_alone_for_who_has_no_history(self, client, films):
        path = f"/v1/movies/{films[0]}/recommendations"
        anybody = client.get(path).json()
        assert (anybody["models"], anybody["fallback_reason"]) == (["soup"], None)
        nobody = client.get(path, params={"user_id": "nobody at all"}).json()
        assert (nobody["models"], nobody["fallback_reason"]) == (["soup"], "no_history")
        assert nobody["items"] == anybody["items"]
        problem(client.get("/v1/movies/no such film/recommendations"), 404)

    def test_diversity_gives_other_films(self, client, new_user, films):
        user = new_user(films[:3])
        plain, diverse = (
            ids(client.get(f"/v1/users/{user}/recommendations", params={"diversity": diversity, "k": 8}))
            for diversity in (0, 0.9)
        )
        assert len(diverse) == 8
        assert plain[0] == diverse[0]
        assert plain != diverse

    def test_titles_are_found_with_typos_and_as_they_are_typed(self, client, new_film):
        film = new_film(title="Quixotic Zephyrland, The (2019)")
        for text in ("quixotic zephyrland", "Quixotic Zeph", "the quixotic zephirland 2019", "QUIXOTIC"):
            assert ids(client.get("/v1/movies", params={"q": text}))[0] == film
        fused = client.get("/v1/movies", params={"q": "quixotic zephyrland", "mode": "hybrid"}).json()
        assert fused["mode"] == "hybrid"
        assert film in [item["id"] for item in fused["items"][:2]]

    @pytest.mark.parametrize(
        "text", ['"', "*", "a AND (", "title:(foo", "NEAR/3", "%", "\\", "' OR 1=1 --", "  ", "\x00x", "𝔘𝔫𝔦"]
    )
    @pytest.mark.parametrize("mode", ["title", "semantic", "hybrid"])
    def test_there_is_no_query_syntax(self, client, text, mode):
        assert client.get("/v1/movies", params={"q": text, "mode": mode}).status_code == 200

    def test_ratings_come_in_pages_that_new_ones_do_not_disturb(self, client, new_user, films):
        user = new_user()
        times = [1000 + place // 3 for place in range(12)]
        client.post("/update_ratings", json={user: {"movie_id": films[:12], "ratings": [3] * 12, "timestamps": times}})
        shown, cursor = [], None
        while True:
            asked = {"limit": 5, **({"cursor": cursor} if cursor else {})}
            page = client.get(f"/v1/users/{user}/ratings", params=asked).json()
            shown += [row["movie_id"] for row in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
            client.put(f"/v1/users/{user}/ratings/{films[20 + len(shown)]}", json={"rating": 5})
        assert sorted(shown) == sorted(films[:12])
        assert client.get(f"/v1/users/{user}/ratings").json()["total"] == 14
        problem(client.get(f"/v1/users/{user}/ratings", params={"cursor": "made up"}), 422)

    def test_one_rating_is_put_changed_and_taken_back(self, client, new_user, films):
        user, film = new_user(), films[0]
        for stars in (4, 0.5):
            assert client.put(f"/v1/users/{user}/ratings/{film}", json={"rating": stars}).json()["rating"] == stars
            (kept,) = client.get(f"/v1/users/{user}/ratings").json()["items"]
            assert kept["rating"] == stars
        assert client.delete(f"/v1/users/{user}/ratings/{film}").status_code == 204
        problem(client.delete(f"/v1/users/{user}/ratings/{film}"), 404)
        assert client.put(f"/v1/users/{user}/ratings/{film}", json={"rating": 3}).status_code == 200
        assert client.get("/features", params={"user_id": user}).json()["features"][0]["histories"] == [film]

    def test_a_forgotten_user_is_unknown(self, client, new_user, films):
        user = new_user(films[:3])
        assert client.delete(f"/v1/users/{user}").status_code == 204
        assert client.get("/features", params={"user_id": user}).json() == {"features": [{"histories": []}]}
        problem(client.delete(f"/v1/users/{user}"), 404)

    def test_put_stores_a_whole_film(self, client, new_film):
        film = new_film(genres="Drama", tags="x")
        stored = client.put(f"/v1/movies/{film}", json={"title": "Other (1999)", "imdb_id": "tt1"}).json()
        assert stored == {
            "id": film, "title": "Other (1999)", "year": 1999, "genres": [], "tags": [],
            "imdb_id": "tt1", "tmdb_id": None, "keywords": [], "cast": [], "director": [], "overview": "",
            "vectors": "ready",
        }  # fmt: skip
        problem(client.put(f"/v1/movies/{film}", json={"genres": "Drama"}), 422)

    # Everywhere

    def test_errors_are_problem_documents(self, client):
        assert "film nothing" in problem(client.get("/v1/movies/nothing"), 404)["detail"]
        problem(client.get("/v1/nothing"), 404)
        problem(client.delete("/recommendations"), 405)
        problem(client.post("/update_ratings", content=b"{", headers={"Content-Type": "application/json"}), 422)
        assert "Content-Type" in problem(client.post("/update_ratings", content=b"{}"), 422)["detail"]

    def test_the_request_id_is_taken_over(self, client):
        answer = client.get("/recommendations", params={"user_id": "1"}, headers={"X-Request-ID": "asked-by-me"})
        assert answer.headers["x-request-id"] == "asked-by-me"

    def test_it_says_how_it_is(self, client):
        assert client.get("/healthz/live").json() == {"status": "live"}
        assert client.get("/healthz/ready").json() == {"status": "ready", "degraded": {}}
        info = client.get("/v1/info").json()
        assert info["counts"]["movies"] >= 40
        assert info["counts"]["vectors"] >= 40
        assert any(model["active"] for model in info["models"])
        assert "marquee_" in client.get("/metrics").text

    def test_the_page_and_the_docs_need_nothing_from_elsewhere(self, client):
        for path in ("/", "/docs"):
            page = client.get(path)
            assert page.headers["content-type"].startswith("text/html")
            assert "://" not in page.text
            assert "default-src 'none'" in page.headers["content-security-policy"]
        for path in ("/static/page.js", "/static/api.js", "/static/page.css", "/openapi.json"):
            assert client.get(path).status_code == 200
