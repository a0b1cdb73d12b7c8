"""`marquee load` of a data set that only adds to films that are there."""

from __future__ import annotations

from tests.support import movielens


def test_the_command_says_what_it_added_and_what_to_do_next(home, marquee, tmp_path) -> None:
    folder = movielens.write(tmp_path / "ml", movielens.FORMATS["ml-latest-small"])
    rows = "id,keywords\n201,\"[{'name': 'otter'}]\"\n"
    more = tmp_path / "more"
    more.mkdir()
    (more / "keywords.csv").write_text(rows)
    refused = marquee("load", str(more))
    assert refused.code == 1
    assert "load a catalogue with links first" in refused.err
    assert marquee("load", str(folder)).code == 0
    done = marquee("load", str(more))
    assert (done.code, done.out.startswith("more: added to ")) == (0, True)
    assert "marquee embed" in done.err
