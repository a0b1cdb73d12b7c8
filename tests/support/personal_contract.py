"""A person's history brought in and taken along, over HTTP alone; a part of `PublicContract`."""

from __future__ import annotations

import csv
import io
import uuid
from typing import Any

import pytest

from tests.support.http_answers import problem

HEAD = "Date,Name,Year,Letterboxd URI,Rating"


class PersonalContract:
    @pytest.fixture
    def titled(self, new_film: Any) -> list[tuple[str, str]]:
        """Two films as (id, title without a year) that no other film of the catalogue is called."""
        names = [f"Quokkas of {uuid.uuid4().hex[:8]}" for _ in range(2)]
        return [(new_film(title=f"{name} (1995)", imdb_id=f"tt{1000 + at:07d}"), name) for at, name in enumerate(names)]

    @pytest.fixture
    def letterboxd(self, titled: list[tuple[str, str]]) -> str:
        (_, first), (_, second) = titled
        rows = [f"2020-01-01,{first},1995,u,4.5", f"2020-01-02,{second},1996,u,0.5", "2020-01-03,Qwertzuiop,1995,u,3"]
        return "\n".join([HEAD, *rows, f"2020-01-04,{first},1995,u,seven"])

    def post(self, client: Any, user: str, content: str, **params: Any) -> Any:
        answer = client.post(f"/v1/users/{user}/imports", content=content.encode(), params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def test_a_preview_tells_what_a_file_would_write_and_writes_nothing(self, client, new_user, titled, letterboxd):
        user = new_user()
        shown = self.post(client, user, letterboxd)
        assert (shown["source"], shown["committed"], shown["written"]) == ("letterboxd", False, 0)
        assert [(row["movie"]["id"], row["rating"], row["line"], row["effect"]) for row in shown["matched"]] == [
            (titled[0][0], 4.5, 2, "new"),
            (titled[1][0], 0.5, 3, "new"),
        ]
        assert [(row["line"], row["title"]) for row in shown["unmatched"]] == [(4, "Qwertzuiop")]
        assert [(row["line"], row["reason"]) for row in shown["set_aside"]] == [(5, "the rating is not one")]
        assert client.get(f"/v1/users/{user}/ratings").json()["total"] == 0

    def test_importing_twice_changes_nothing(self, client, new_user, letterboxd):
        user = new_user()
        assert self.post(client, user, letterboxd, commit="true")["written"] == 2
        there = client.get(f"/v1/users/{user}/ratings").json()
        assert there["total"] == 2
        again = self.post(client, user, letterboxd, commit="true")
        assert again["written"] == 0
        assert {row["effect"] for row in again["matched"]} == {"same"}
        assert client.get(f"/v1/users/{user}/ratings").json() == there

    def test_what_was_rated_here_later_stays(self, client, new_user, titled, letterboxd):
        user = new_user([titled[0][0]], rating=1.0)
        assert [row["effect"] for row in self.post(client, user, letterboxd, commit="true")["matched"]] == [
            "kept",
            "new",
        ]
        stars = {item["movie_id"]: item["rating"] for item in client.get(f"/v1/users/{user}/ratings").json()["items"]}
        assert stars == {titled[0][0]: 1.0, titled[1][0]: 0.5}

    def test_an_imported_history_is_what_the_next_answer_rests_on(self, client, new_user, films):
        user = new_user()
        rows = "\n".join(f"9,{film},4.5,{at}" for at, film in enumerate(films[:25], 1_000_000_000))
        self.post(client, user, f"userId,movieId,rating,timestamp\n{rows}\n", commit="true")
        answer = client.get(f"/v1/users/{user}/recommendations").json()
        assert (answer["strategy"], answer["history_length"]) == ("model", 25)

    def test_a_row_in_doubt_waits_for_a_choice(self, client, new_user, new_film):
        name, user = f"Numbats {uuid.uuid4().hex[:8]}", new_user()
        twins = [new_film(title=f"{name} (1995)") for _ in range(2)]
        content = f"{HEAD}\n2020-01-01,{name},1995,u,4\n"
        [row] = self.post(client, user, content)["ambiguous"]
        assert {film["id"] for film in row["candidates"]} == set(twins)
        done = self.post(client, user, content, choose=f"{row['row']}:{twins[1]}", commit="true")
        assert [(row["movie"]["id"], row["matched_by"]) for row in done["matched"]] == [(twins[1], "your choice")]
        assert client.get(f"/v1/users/{user}/ratings").json()["total"] == 1

    @pytest.mark.parametrize("choice", ["12", "a:1", "99:1", "0:no-such-film"])
    def test_a_choice_that_is_none_is_named_and_nothing_is_written(self, client, new_user, letterboxd, choice):
        user = new_user()
        answer = client.post(
            f"/v1/users/{user}/imports", content=letterboxd.encode(), params={"choose": choice, "commit": "true"}
        )
        problem(answer, 422)
        assert client.get(f"/v1/users/{user}/ratings").json()["total"] == 0

    def test_a_file_that_is_no_export_is_refused_in_a_sentence(self, client, new_user):
        answer = client.post(f"/v1/users/{new_user()}/imports", content=b"what is this?")
        assert "no export that Marquee knows" in problem(answer, 422)["detail"]

    def test_what_is_taken_along_as_json_can_be_brought_back(self, client, new_user, titled, letterboxd):
        user, other = new_user(), new_user()
        self.post(client, user, letterboxd, commit="true")
        taken = client.get(f"/v1/users/{user}/export")
        assert taken.json()["user_id"] == user
        assert "attachment" in taken.headers["content-disposition"]
        assert self.post(client, other, taken.text, commit="true")["written"] == 2
        assert [client.get(f"/v1/users/{who}/ratings").json()["items"] for who in (user, other)] == [
            client.get(f"/v1/users/{user}/ratings").json()["items"]
        ] * 2

    def test_what_is_taken_along_for_letterboxd_has_its_columns(self, client, new_user, titled, letterboxd):
        user = new_user()
        self.post(client, user, letterboxd, commit="true")
        taken = client.get(f"/v1/users/{user}/export", params={"format": "letterboxd"})
        assert taken.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(taken.text)))
        assert [(row["imdbID"], row["Title"], row["Year"], row["Rating10"], row["WatchedDate"]) for row in rows] == [
            ("tt0001000", titled[0][1], "1995", "9", "2020-01-01"),
            ("tt0001001", titled[1][1], "1995", "1", "2020-01-02"),
        ]

    def test_there_is_nothing_to_take_along_of_somebody_unknown(self, client):
        problem(client.get(f"/v1/users/nobody-{uuid.uuid4()}/export"), 404)

    def test_a_forgotten_user_leaves_nothing_to_take_along(self, client, new_user, letterboxd):
        user = new_user()
        self.post(client, user, letterboxd, commit="true")
        assert client.delete(f"/v1/users/{user}").status_code == 204
        problem(client.get(f"/v1/users/{user}/export"), 404)
        assert client.get("/features", params={"user_id": user}).json()["features"][0]["histories"] == []
