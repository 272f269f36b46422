"""Persons and leavers in the store, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from access.clock import ManualClock
from access.entitlements import EntitlementRef, ResourceKind, System
from access.leavers import LeaverKind
from access.lifecycle import ClaimState, LeaverState
from access.people import AccountRef, Proof
from connectors.reading import AccountKind, AccountStatus, ResourceRow
from store.feeding import ended_parents
from store.queries.leavers import held_by
from store.queries.people import PeopleQueries
from store.unit_of_work import Conflict, Store
from tasks.people import People
from tests.store.records import add_request, claim
from tests.store.snapshot_rows import TAKEN, SnapshotRows, account, group, holds, store_snapshot

HOUR = timedelta(hours=1)
ADA = AccountRef(System.JUMPCLOUD, "ada")


def look(store: Store, *, times: int = 2, suspended: bool = False) -> None:
    """Take snapshots of Ada, who is in two groups, and of her accounts; derive persons."""
    with store.read() as work:
        done = len(work.audit.after(0))
    at = TAKEN + timedelta(days=done)
    status = AccountStatus.SUSPENDED if suspended else AccountStatus.ACTIVE
    users = [
        account("ada", "Ada@acme.example", username="ADAL", status=status, attributes={"admin": "root"}),
        account("root", "root@acme.example", kind=AccountKind.ADMIN),
        *group("g:1", "Engineering", "ada"),
        ResourceRow(ResourceKind.GROUP, "rule", "All", attributes={"follows_a_rule": True}),
        holds("ada", ResourceKind.GROUP, "rule"),
    ]
    managed = {"managed": True, "management_source": "synced"}
    others = [account("j-ada", "ada@ACME.example", kind=AccountKind.ATLASSIAN, attributes=managed)]
    for _ in range(times):
        for system, rows in ((System.JUMPCLOUD, users), (System.JIRA, others)):
            at += HOUR
            store_snapshot(store, SnapshotRows(system, rows), at=at)
        at += HOUR
        People(store, ManualClock(at), domains=()).refresh()


def test_persons_are_derived_and_found_by_whatever_names_them(store: Store) -> None:
    look(store)
    with store.read() as work:
        links = {link.account.id: (link.person, link.proof) for link in work.persons.accounts_of("ada")}
        assert links == {"j-ada": ("ada", Proof.MANAGED), "root": ("ada", Proof.LINKED)}
    with store.database.one_moment() as connection:
        queries = PeopleQueries(connection)
        for name in ("ada", "ADA@acme.example", "adal", "j-ada", "jira:j-ada", "jumpcloud:root"):
            assert [row["id"] for row in queries.named(name)] == ["ada"], name
        assert [(row["accounts"], row["disputed"]) for row in queries.persons(text="ada")] == [(2, 0)]
        assert list(queries.persons(disputed=True)) == []
        assert [row["title"] for row in queries.accounts_of("ada")] == ["J-Ada", "Root"]


def test_what_a_person_holds_is_read_with_its_claims_and_with_what_goes_by_itself(store: Store) -> None:
    look(store)
    ref = EntitlementRef.parse("jumpcloud:group:g%3A1:member")
    with store.write() as work:
        add_request(work)
        active = {"state": ClaimState.ACTIVE, "starts_at": TAKEN, "ends_at": TAKEN, "pre_existing": False}
        work.claims.add(claim(account_id="ada", entitlement=ref, access_key=f"ada {ref}"))
        work.claims.step("cl1", to=ClaimState.ACTIVE, states=(ClaimState.PENDING,), **_columns(active))
    with store.read() as work:
        found = {str(each.entitlement): each for each in held_by(work.connection, ADA)}
    assert found[str(ref)].claims[0].id == "cl1"
    assert found[str(ref)].passes
    assert found["jumpcloud:group:rule:member"].by_itself is not None


def _columns(values: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if name != "state"}


def test_a_suspension_opens_one_leave_that_one_process_takes_up(store: Store) -> None:
    look(store)
    look(store, times=1, suspended=True)
    with store.read() as work:
        (due,) = work.leavers.due(now=TAKEN + timedelta(days=99), limit=5)
    assert (due.person, due.kind, due.state) == ("ada", LeaverKind.SUSPENDED, LeaverState.NOTICED)
    with store.write() as work:
        assert work.leavers.notice("ada", LeaverKind.DELETED, now=TAKEN) is None
        assert work.leavers.take_up(due, until=TAKEN + timedelta(days=999))
        assert not work.leavers.take_up(due, until=TAKEN + timedelta(days=999))
    with store.read() as work:
        assert work.leavers.due(now=TAKEN + timedelta(days=99), limit=5) == []
        assert (work.leavers.plans_of(due), work.leavers.lines(due), work.leavers.taken(due)) == ([], [], [])
        assert work.leavers.deprovisioning(due) == []


def test_a_decision_needs_a_name_and_a_reason_and_a_leave_its_reads(store: Store) -> None:
    look(store, times=1)
    with pytest.raises(Conflict), store.write() as work:
        work.persons.decide_join("nobody", AccountRef(System.JIRA, "j"), by="grace", reason="x", now=TAKEN)
    with pytest.raises(Conflict), store.write() as work:
        work.leavers.notice("ada", LeaverKind.ASKED, now=TAKEN)
    with pytest.raises(Conflict), store.write() as work:
        work.leavers.notice("ada", LeaverKind.SUSPENDED, now=TAKEN, state=str(LeaverState.LEFT), left_at=TAKEN)


@pytest.mark.parametrize(("parent", "found"), [(ClaimState.ACTIVE, []), (ClaimState.ENDING, ["r1.fed"])])
def test_a_claim_on_a_feeding_group_is_found_when_the_claim_that_it_serves_ends(
    store: Store, parent: ClaimState, found: list[str]
) -> None:
    seen = {"starts_at": TAKEN, "ends_at": None, "pre_existing": False}
    with store.write() as work:
        for number, request in enumerate(("r1", "r1.fed")):
            add_request(work, request)
            work.claims.add(claim(f"cl{number}", request_id=request))
            work.claims.step(f"cl{number}", to=ClaimState.ACTIVE, states=(ClaimState.PENDING,), **seen)
        work.requests.set("r1.fed", source="feeding")
        if parent is not ClaimState.ACTIVE:
            work.claims.step("cl0", to=parent, states=(ClaimState.ACTIVE,))
    with store.read() as work:
        assert list(ended_parents(work.connection, limit=5)) == found
