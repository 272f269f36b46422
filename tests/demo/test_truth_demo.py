"""The demonstration of the truth audit, in small."""

from __future__ import annotations

from pathlib import Path

from demo.truth_demo import show
from demo.truth_site import Sizes


def test_every_planted_ticket_is_found_in_its_class_and_nothing_is_written(tmp_path: Path) -> None:
    facts = show(tmp_path, Sizes(true=20, untrue=2, undone=4, ended=2, ambiguous=2, declined=1, reopened=1))
    assert facts["ok"], facts
    assert facts["found"] == {
        "true": 20, "not_true": 8, "ended_as_agreed": 2, "no_longer_true": 4, "cannot_be_said": 2,
    }  # fmt: skip
    assert facts["ways_found"] == dict.fromkeys(
        ("never_done", "other_person", "other_resource", "account_suspended"), 2
    )
    assert (facts["writes"], facts["calls"] <= facts["may_call"]) == ([], True)
    assert (tmp_path / "truth.html").read_text().startswith("<!doctype html>")
