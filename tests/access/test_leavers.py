from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access.entitlements import EntitlementRef, System
from access.leavers import (
    Held,
    HeldClaim,
    Leaver,
    LeaverKind,
    Left,
    NotLeft,
    ReadAgain,
    Seen,
    judge_read,
    lines_for,
    lines_to_give_back,
)
from access.lifecycle import LeaverState
from access.people import AccountRef
from access.plans import Line
from access.reactions import Reaction

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
USER = AccountRef(System.JUMPCLOUD, "u1")
JIRA = AccountRef(System.JIRA, "j1")
SUSPENDED, DELETED, ASKED = LeaverKind.SUSPENDED, LeaverKind.DELETED, LeaverKind.ASKED


def leaver(state: LeaverState, kind: LeaverKind = SUSPENDED) -> Leaver:
    return Leaver(1, "u1", kind, state, NOON)


@pytest.mark.parametrize(
    ("before", "seen", "then"),
    [
        (leaver(LeaverState.NOTICED), Seen.SUSPENDED, ReadAgain(SUSPENDED)),
        (leaver(LeaverState.NOTICED), Seen.GONE, ReadAgain(DELETED)),
        (leaver(LeaverState.NOTICED), Seen.ACTIVE, NotLeft()),
        (leaver(LeaverState.NOTICED), Seen.UNSEEN, None),
        (leaver(LeaverState.SEEN), Seen.SUSPENDED, Left()),
        (leaver(LeaverState.SEEN), Seen.ACTIVE, NotLeft()),
        (leaver(LeaverState.SEEN), Seen.UNSEEN, None),
        (leaver(LeaverState.SEEN), Seen.GONE, ReadAgain(DELETED)),
        (leaver(LeaverState.SEEN, DELETED), Seen.SUSPENDED, ReadAgain(SUSPENDED)),
        (leaver(LeaverState.SEEN, DELETED), Seen.GONE, Left()),
    ],
)
def test_two_reads_have_to_agree(before: Leaver, seen: Seen, then: object) -> None:
    assert judge_read(before, seen) == then


def held(name: str = "api", *claims: HeldClaim, **more: Any) -> Held:
    plain: dict[str, Any] = {"shown": True, "claims": claims}
    ref = EntitlementRef.parse(f"jumpcloud:group:{name}:member")
    return Held(USER, "Ada", ref, name, **(plain | more))


def claim(
    key: str = "cl1", *, pre_existing: bool = False, pending: bool = False, hours: int | None = None
) -> HeldClaim:
    return HeldClaim(key, pre_existing, pending, None if hours is None else NOON + timedelta(hours=hours))


def lines(kind: LeaverKind, *found: Held, automate: str = "") -> tuple[list[str], list[str]]:
    """Whether each line runs by itself, or is to be approved: its title, with the claim if it ends that alone."""
    made = lines_for(kind, found, [(JIRA, "Ada")], gives_power=lambda ref: "admin" in str(ref), automate=bool(automate))
    return [_written(each) for each in made.automatic], [_written(each) for each in made.to_approve]


def _written(line: Line) -> str:
    only = f" {line.claim_id}" if line.claim_id else ""
    return f"{line.reaction} {line.title}{only}"


TIMED, STANDING, OLD, UNKNOWN = (
    held("timed", claim("t", hours=1)),
    held("standing", claim("s")),
    held("old", claim("o", pre_existing=True, hours=1)),
    held("unknown"),
)
ACCOUNT = "deprovision Jira account"


def test_of_the_suspended_only_claims_for_a_time_end_by_themselves() -> None:
    assert lines(SUSPENDED, TIMED, STANDING, OLD, UNKNOWN) == (
        ["take timed t", "take old o"],
        ["take standing", "take old", "take unknown", ACCOUNT],
    )


def test_what_is_still_being_given_is_called_back() -> None:
    on_its_way = held("new", claim("n", pending=True), shown=False)
    assert lines(SUSPENDED, on_its_way) == (["take new n"], [ACCOUNT])


def test_of_the_deleted_everything_goes_by_itself_and_of_the_suspended_where_policy_says_so() -> None:
    everything = ["take timed", "take standing", "take old", "take unknown", ACCOUNT]
    assert lines(DELETED, TIMED, STANDING, OLD, UNKNOWN) == (everything, [])
    automatic, rest = lines(SUSPENDED, TIMED, STANDING, OLD, UNKNOWN, automate="yes")
    assert (automatic[2:], rest) == (["take standing", "take old", "take unknown", ACCOUNT], [])


def test_what_somebody_asked_for_waits_for_an_approval_as_a_whole() -> None:
    assert lines(ASKED, TIMED, UNKNOWN, automate="yes") == ([], ["take timed", "take unknown", ACCOUNT])


def test_what_goes_by_itself_or_is_out_of_reach_is_shown_with_its_reason() -> None:
    made = lines_for(
        DELETED,
        [held("rule", by_itself="a rule"), held("root", out_of_reach="no way")],
        [],
        gives_power=lambda _: False,
        automate=False,
    )
    assert [(each.reaction, each.reason) for each in made.automatic] == [
        (Reaction.NONE, "Stays: a rule."),
        (Reaction.NONE, "Stays: no way."),
    ]


def test_what_gives_most_goes_first_and_accounts_last() -> None:
    role = Held(JIRA, "Ada", EntitlementRef.parse("jira:project-role:1:2:assigned"), "role", shown=True)
    application = Held(USER, "Ada", EntitlementRef.parse("jumpcloud:application:a:assigned"), "app", shown=True)
    made = lines_for(
        DELETED,
        [application, held("team"), role, held("administrators")],
        [(JIRA, "Ada")],
        gives_power=lambda ref: "admin" in str(ref),
        automate=False,
    )
    assert [each.title for each in sorted(made.automatic, key=lambda each: -each.weight)] == [
        "administrators",
        "role",
        "team",
        "app",
        "Jira account",
    ]


def test_what_was_taken_is_given_back_once_until_it_would_have_ended() -> None:
    taken = lines_for(SUSPENDED, [TIMED, STANDING], [(JIRA, "Ada")], gives_power=lambda _: False, automate=True)
    back = list(lines_to_give_back([*taken.automatic, *taken.automatic]))
    assert [(each.reaction, each.title, each.ends_at) for each in back] == [
        (Reaction.GIVE, "timed", NOON + timedelta(hours=1)),
        (Reaction.GIVE, "standing", None),
        (Reaction.NONE, "Jira account", None),
    ]
