"""What is compared with RecTools is run as the tables say."""

from __future__ import annotations

from benchmarks.peers.__main__ import OURS, THEIRS, settings_of


def test_the_plain_one_has_their_settings() -> None:
    plain, theirs = settings_of("bert4rec-causal-plain"), settings_of("rectools-sasrec")
    assert {name: plain[name] for name in theirs} == dict(theirs)
    assert len(theirs) > 10


def test_all_have_one_size() -> None:
    sizes = {tuple(settings_of(name)[size] for size in ("hidden_size", "layers", "max_length")) for name in OURS}
    assert sizes == {
        tuple(settings_of(name)[size] for size in ("hidden_size", "layers", "max_length")) for name in THEIRS
    }
    assert len(sizes) == 1
