from __future__ import annotations

import pytest

from access.failures import Permanent, Unknown
from simulator.switches import change_switches
from tests.ticketing.simulated_ticketing import SimulatedTicketing
from ticketing.adf import plain_text

COMMENT = {"method": "POST", "path": "/comment$"}


def test_two_calls_with_one_marker_leave_one_comment(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    harness.provider.comment(ref, "**Verified.**", marker="op-1/verified")
    harness.provider.comment(ref, "**Verified.**", marker="op-1/verified")
    harness.provider.comment(ref, "Another wording of the same", marker="op-1/verified")
    (comment,) = harness.issue(ref).comments
    assert plain_text(comment.body) == "Verified."
    assert comment.properties == {"provisor": {"marker": "op-1/verified"}}


def test_another_marker_is_another_comment_even_with_the_same_words(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    harness.provider.comment(ref, "Still wrong", marker="1")
    harness.provider.comment(ref, "Still wrong", marker="2")
    assert len(harness.issue(ref).comments) == 2


@pytest.mark.parametrize("fault", [{"drop": "before"}, {"drop": "after"}, {"status": 502, "applied": True}], ids=str)
def test_a_lost_answer_is_unknown_and_there_is_one_comment_after_the_next_call(
    harness: SimulatedTicketing, fault: dict[str, object]
) -> None:
    ref = harness.make()
    harness.fault(**COMMENT, **fault)
    with pytest.raises(Unknown):
        harness.provider.comment(ref, "Hello", marker="1")
    harness.provider.comment(ref, "Hello", marker="1")
    assert len(harness.issue(ref).comments) == 1


def test_our_comment_is_found_below_hundreds_of_others(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    harness.provider.comment(ref, "Hello", marker="1")
    body = {"version": 1, "type": "doc", "content": []}
    for _ in range(250):
        harness.world.tracker.comment(harness.issue(ref), body, "")
    harness.provider.comment(ref, "Hello", marker="1")
    assert len(harness.issue(ref).comments) == 251


def test_comments_without_their_properties_are_known_by_their_words(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    harness.provider.comment(ref, "Hello **Ada**", marker="1")
    read_back = {"type": "paragraph", "attrs": {"localId": "x"}, "content": [{"type": "text", "text": "Hello Ada"}]}
    comments = [{"id": "1", "body": {"type": "doc", "version": 1, "content": [read_back]}}]
    harness.fault(method="GET", path="/comment$", status=200, body={"comments": comments, "total": 1, "startAt": 0})
    harness.provider.comment(ref, "Hello **Ada**", marker="1")
    assert len(harness.issue(ref).comments) == 1


def test_a_comment_is_internal_only_in_the_projects_that_ask_for_it(harness: SimulatedTicketing) -> None:
    provider = harness.other_provider(internal_comments=frozenset({"PAY"}))
    hidden, shown = harness.make(project="PAY"), harness.make()
    for ref in (hidden, shown):
        provider.comment(ref, "Hello", marker="1")
    assert harness.issue(hidden).comments[0].properties["sd.public.comment"] == {"internal": True}
    assert "sd.public.comment" not in harness.issue(shown).comments[0].properties


def test_a_comment_on_a_deleted_ticket_is_permanent(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    harness.world.tracker.delete(harness.issue(ref), "")
    with pytest.raises(Permanent) as caught:
        harness.provider.comment(ref, "Hello", marker="1")
    assert caught.value.status == 404


def test_a_comment_of_any_length_is_made_to_fit(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    harness.provider.comment(ref, "word " * 20_000, marker="1")
    assert "Shortened" in plain_text(harness.issue(ref).comments[0].body)


def test_a_full_issue_is_permanent(harness: SimulatedTicketing) -> None:
    change_switches(harness.world.switches, comment_limit=1)
    ref = harness.make()
    harness.provider.comment(ref, "Hello", marker="1")
    with pytest.raises(Permanent) as caught:
        harness.provider.comment(ref, "Hello", marker="2")
    assert caught.value.status == 413
