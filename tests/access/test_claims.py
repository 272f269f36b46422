"""What the beginning and the end of one reason for access mean for the access."""

from __future__ import annotations

import pytest

from access.claims import Keep, TakeAway, inherits_pre_existing, when_over
from access.entitlements import EntitlementRef
from access.lifecycle import ClaimState
from access.operations import Claim

REF = EntitlementRef.parse("jira:group:9f1c:member")
ACTIVE, ENDING, PENDING = ClaimState.ACTIVE, ClaimState.ENDING, ClaimState.PENDING


def claim(claim_id: str, state: ClaimState = ACTIVE, *, pre_existing: bool = False) -> Claim:
    return Claim(
        id=claim_id,
        request_id=f"request of {claim_id}",
        account_title="Ada",
        entitlement=REF,
        named=REF,
        title="the group",
        access_key=f"a1 {REF}",
        state=state,
        pre_existing=pre_existing,
    )


@pytest.mark.parametrize("state", ClaimState)
def test_only_another_active_claim_keeps_the_access(state: ClaimState) -> None:
    outcome = when_over(claim("c1"), [claim("c1"), claim("c2", state)])
    expected = Keep("another claim holds the access (request request of c2)") if state is ACTIVE else TakeAway()
    assert outcome == expected


def test_access_from_before_the_first_claim_stays_when_the_last_one_ends() -> None:
    outcome = when_over(claim("c1", pre_existing=True), [])
    assert outcome == Keep("the access was there before the first claim")


@pytest.mark.parametrize(
    ("others", "was_there", "inherits"),
    [
        pytest.param([], True, True, id="found"),
        pytest.param([], False, False, id="given by us"),
        pytest.param([(ACTIVE, True)], True, True, id="found by the other claim"),
        pytest.param([(ACTIVE, False)], True, False, id="given for the other claim"),
        pytest.param([(ENDING, False)], True, False, id="given for a claim that is ending"),
        pytest.param([(ACTIVE, True), (ENDING, False)], True, False, id="one of them given by us"),
        pytest.param([(ACTIVE, True)], False, False, id="gone in the meantime"),
        pytest.param([(PENDING, False)], True, True, id="a pending claim gave nothing"),
        pytest.param([(ClaimState.ENDED, False)], True, True, id="an ended claim gave nothing that is left"),
    ],
)
def test_access_is_pre_existing_only_if_no_claim_gave_it(
    others: list[tuple[ClaimState, bool]], *, was_there: bool, inherits: bool
) -> None:
    claims = [claim(f"c{number}", state, pre_existing=was) for number, (state, was) in enumerate(others)]
    assert inherits_pre_existing(claims, was_there=was_there) is inherits
