"""Claims of the expiry benchmark: access that is there, and over at moments of its choosing; and what came of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import requests

from access.entitlements import EntitlementRef
from access.ledger import Overstay
from access.lifecycle import ClaimState, RequestState
from access.message import AccessRequest
from access.operations import Claim, access_key
from benchmarks.grants import Grant
from benchmarks.report import WrongResult
from benchmarks.simulated import Simulated
from store.database import Database
from store.migrations import migrate
from store.requests import Received
from store.unit_of_work import Store, UnitOfWork

_AT_ONCE = 500
#: The journal of the simulator is cut to milliseconds.
_CUT = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Ending:
    """A grant whose claim stands, and ends at a moment."""

    grant: Grant
    ends_at: datetime


def made_store(url: str) -> Store:
    """The store of a worker that has not started yet."""
    database = Database(url, pool_size=2)
    migrate(database)
    return Store(database)


def add_claims(store: Store, endings: Sequence[Ending]) -> None:
    """Store them as Provisor has them that gave the access a day ago."""
    for begin in range(0, len(endings), _AT_ONCE):
        with store.write() as work:
            for ending in endings[begin : begin + _AT_ONCE]:
                _add(work, ending)


def _add(work: UnitOfWork, ending: Ending) -> None:
    grant, given_at = ending.grant, datetime.now(UTC) - timedelta(days=1)
    message = AccessRequest.model_validate(json.loads(grant.message()))
    ref = EntitlementRef.parse(f"jumpcloud:group:{grant.group}:member")
    work.requests.add([Received(message, "benchmark", given_at)], woken=(), dispatched_for=timedelta(0))
    for state in (RequestState.FULFILLING, RequestState.DONE):
        work.requests.step(grant.id, to=state, states=tuple(RequestState), due_at=None)
    claim = Claim(
        id=f"cl-{grant.id}",
        request_id=grant.id,
        account_title=grant.email,
        entitlement=ref,
        named=ref,
        title=f"group {grant.group}",
        access_key=access_key(grant.user, None, ref),
        state=ClaimState.PENDING,
        account_id=grant.user,
        email=grant.email,
    )
    work.claims.add(claim)
    work.claims.step(
        claim.id,
        to=ClaimState.ACTIVE,
        states=(ClaimState.PENDING,),
        pre_existing=False,
        starts_at=given_at,
        ends_at=ending.ends_at,
        due_at=ending.ends_at,
    )


def overstays(store: Store) -> list[Overstay]:
    """What the ledger tells, in the order in which it ended."""
    with store.read() as work:
        return list(work.ledger.overstays())


def disagreements(told: Sequence[Overstay], journal: dict[tuple[str, str], datetime]) -> int:
    """How many of these times the journal of the system does not bear out within their bounds."""
    wrong = 0
    for each in told:
        truth = journal.get((each.whose.entitlement.path[0], each.whose.account_id or ""))
        if truth is None or not each.until - each.bound - _CUT <= truth <= each.until:
            wrong += 1
    return wrong


def removals_in(simulated: Simulated, since: datetime) -> dict[tuple[str, str], datetime]:
    """When each membership was taken away, by the event log of the simulated JumpCloud: group and user."""
    found: dict[tuple[str, str], datetime] = {}
    facts, after = simulated.facts["jumpcloud"], None
    while True:
        query = {"service": ["directory"], "start_time": since.isoformat(), "limit": 10_000}
        answer = requests.post(
            f"{facts['url']}/insights/directory/v1/events",
            json=query if after is None else query | {"search_after": after},
            headers={"x-api-key": facts["api_key"]},
            timeout=120,
        )
        if not answer.ok:
            raise WrongResult(f"The event log of the simulator cannot be read: {answer.status_code}.")
        page = answer.json()
        for event in page:
            association = event.get("association", {})
            if association.get("op") == "remove":
                group, user = (association["connection"][side]["object_id"] for side in ("from", "to"))
                found[group, user] = datetime.fromisoformat(event["timestamp"])
        if len(page) < query["limit"]:  # type: ignore[operator] # it is the number above
            return found
        after = json.loads(answer.headers["X-Search_after"])
