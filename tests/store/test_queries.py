from __future__ import annotations

import tracemalloc
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, literal, update

from access.entitlements import EntitlementRef, ResourceKind, System
from access.lifecycle import ClaimState
from connectors.reading import AccountKind, AccountStatus, ResourceRow
from store.database import Database
from store.queries.grants import HeldBy, grants_statement
from store.queries.snapshots import Filters, one_moment
from store.tables import claims
from store.unit_of_work import Store
from tests.store.records import add_request
from tests.store.snapshot_rows import TAKEN, SnapshotRows, account, group, holds, jira, jumpcloud, store_snapshot

GROUP = ResourceKind.GROUP


def held(store: Store, **wanted: Any) -> set[tuple[str, str, str | None]]:
    with one_moment(store.database) as look:
        return {(row["account"], row["resource"], row["through"]) for row in look.grants(Filters(**wanted))}


def add_claim(store: Store, number: int, access: str, *steps: ClaimState) -> None:
    who, _, entitlement = access.partition(" ")
    with store.write() as work:
        add_request(work, f"r{number}")
    with store.database.write() as connection:
        connection.execute(
            insert(claims).values(
                id=f"c{number}",
                request_id=f"r{number}",
                system="jumpcloud",
                account_id=who,
                account_title=who,
                entitlement=entitlement,
                named=entitlement,
                title="t",
                access_key=access,
                state=str(ClaimState.PENDING),
                pre_existing=False,
                starts_at=TAKEN,
                ends_at=TAKEN + timedelta(hours=number),
            )
        )
        for step in steps:
            connection.execute(update(claims).where(claims.c.id == f"c{number}").values(state=str(step)))


def test_what_a_group_holds_is_held_by_each_member_through_it(store: Store) -> None:
    store_snapshot(store, jumpcloud())
    assert held(store, resource="aws") == {("bob", "aws", None), ("ada", "aws", "eng"), ("bob", "aws", "eng")}


def test_a_project_role_of_a_group_is_held_through_it(store: Store) -> None:
    store_snapshot(store, jira())
    assert held(store, system="jira", kind="project-role") == {
        ("j-ada", "10000/10002", None),
        ("j-root", "10000/10002", "g-devs"),
    }


def test_what_is_held_is_written_as_a_request_writes_it(store: Store) -> None:
    store_snapshot(store, jumpcloud(), jira())
    with one_moment(store.database) as look:
        rows = list(look.grants(Filters()))
    written = {row["resource"]: row["entitlement"] for row in rows}
    assert written["10000/10002"] == "jira:project-role:10000:10002:assigned"
    assert written["eng"] == "jumpcloud:group:eng:member"
    assert written["odd:50%"] == "jumpcloud:group:odd%3A50%25:member"
    assert all(str(EntitlementRef.parse(each)) == each for each in written.values())


def test_groups_of_one_system_give_nothing_in_another(store: Store) -> None:
    same = SnapshotRows(System.JIRA, [account("x"), *group("eng", "Engineering", "x")])
    store_snapshot(store, jumpcloud(), same)
    assert ("x", "aws", "eng") not in held(store)


def test_what_an_earlier_snapshot_showed_is_not_shown(store: Store) -> None:
    store_snapshot(store, jumpcloud())
    store_snapshot(store, SnapshotRows(System.JUMPCLOUD, [account("ada"), *group("eng", "Engineering", "ada")]))
    assert held(store) == {("ada", "eng", None)}


def test_grants_are_narrowed_by_what_is_asked(store: Store) -> None:
    store_snapshot(store, jumpcloud(), jira())
    narrowed: list[tuple[dict[str, str], set[str]]] = [
        ({"account": "ada"}, {"eng", "odd:50%", "aws"}),
        ({"account": "ADA@acme.example", "system": "jumpcloud"}, {"eng", "odd:50%", "aws"}),
        ({"account": "bob", "kind": "group"}, {"eng"}),
        ({"resource": "engineering"}, {"eng"}),
        ({"resource": "pay:administrators"}, {"10000/10002"}),
        ({"resource": "10000/10002"}, {"10000/10002"}),
        ({"text": "AW"}, {"aws"}),
        ({"text": "lovelace"}, {"10000/10002"}),
        ({"status": "suspended"}, {"eng", "aws"}),
        ({"text": "100%"}, set()),
        ({"resource": "nothing"}, set()),
        ({"account": "nobody"}, set()),
    ]
    for wanted, found in narrowed:
        assert {resource for _, resource, _ in held(store, **wanted)} == found, wanted


def test_accounts_are_narrowed_by_what_is_asked(store: Store) -> None:
    store_snapshot(store, jumpcloud(), jira())

    def ids(**wanted: Any) -> list[str]:
        with one_moment(store.database) as look:
            return [row["id"] for row in look.accounts(Filters(**wanted))]

    assert ids() == ["j-ada", "j-eve", "j-root", "ada", "root", "bob"]
    assert ids(kind=AccountKind.ADMIN) == ["root"]
    assert ids(status=AccountStatus.SUSPENDED) == ["bob"]
    assert ids(account="root@ACME.example") == ["j-root", "root"]
    assert ids(account="BOB") == ["bob"]
    assert ids(text="acme", system="jira") == ["j-ada", "j-root"]
    assert ids(limit=4) == ["j-ada", "j-eve", "j-root", "ada"]


def test_resources_say_how_many_accounts_and_groups_hold_them(store: Store) -> None:
    store_snapshot(store, jumpcloud(), jira())
    with one_moment(store.database) as look:
        rows = {row["id"]: row for row in look.resources(Filters())}
    assert {key: (row["holders"], row["holder_groups"]) for key, row in rows.items()} == {
        "10000": (0, 0),
        "10000/10002": (1, 1),
        "g-devs": (1, 0),
        "aws": (1, 1),
        "eng": (2, 0),
        "odd:50%": (1, 0),
        "r1": (1, 0),
    }
    assert (rows["10000/10002"]["parent_key"], rows["10000/10002"]["parent_name"]) == ("PAY", "Payments")
    assert rows["10000"]["entitlement"] is None


@pytest.mark.parametrize(
    ("kind", "key", "path"),
    [
        (ResourceKind.GROUP, "a:b", ("a:b",)),
        (ResourceKind.GROUP, "50%25 / half", ("50%25 / half",)),
        (ResourceKind.ADMIN_ROLE, "name:help desk", ("name:help desk",)),
        (ResourceKind.APPLICATION, "a/b", ("a/b",)),
    ],
)
def test_entitlements_are_written_as_claims_have_them(
    store: Store, kind: ResourceKind, key: str, path: tuple[str, ...]
) -> None:
    store_snapshot(store, SnapshotRows(System.JUMPCLOUD, [ResourceRow(kind, key, "name")]))
    with one_moment(store.database) as look:
        (row,) = look.resources(Filters())
    assert row["entitlement"] == str(EntitlementRef(System.JUMPCLOUD, ResourceKind(kind), path))


def test_a_claim_explains_what_is_held_directly_and_not_what_comes_through_a_group(store: Store) -> None:
    store_snapshot(store, jumpcloud())
    add_claim(store, 1, "bob jumpcloud:application:aws:assigned", ClaimState.ACTIVE)
    with one_moment(store.database) as look:
        rows = {row["through"]: row for row in look.grants(Filters(account="bob", resource="aws"))}
    assert (rows[None]["claim"], rows[None]["request_id"]) == ("c1", "r1")
    assert rows[None]["ends_at"] == TAKEN + timedelta(hours=1)
    assert rows["eng"]["claim"] is None


def test_several_claims_on_one_access_are_one_row_that_ends_with_the_last(store: Store) -> None:
    store_snapshot(store, jumpcloud())
    for number in (1, 2):
        add_claim(store, number, "ada jumpcloud:group:eng:member", ClaimState.ACTIVE)
    add_claim(store, 3, "ada jumpcloud:group:eng:member", ClaimState.ACTIVE, ClaimState.ENDING, ClaimState.ENDED)
    with one_moment(store.database) as look:
        (row,) = look.grants(Filters(account="ada", resource="eng"))
    assert set(row["claim"].split()) == {"c1", "c2"}
    assert row["ends_at"] == TAKEN + timedelta(hours=2)


def test_a_claim_on_a_name_that_needs_escaping_is_found(store: Store) -> None:
    store_snapshot(store, jumpcloud())
    ref = EntitlementRef(System.JUMPCLOUD, ResourceKind.GROUP, ("odd:50%",))
    add_claim(store, 1, f"ada {ref}")
    with one_moment(store.database) as look:
        (row,) = look.grants(Filters(account="ada", resource="odd:50%"))
    assert row["claim"] == "c1"


def test_a_limit_counts_over_all_systems(store: Store) -> None:
    store_snapshot(store, jumpcloud(), jira())
    assert [len(held(store, limit=limit)) for limit in (1, 4, 100)] == [1, 4, 10]


def test_looking_shows_one_moment_while_a_new_snapshot_is_taken(store: Store) -> None:
    store_snapshot(store, jumpcloud())
    with one_moment(store.database) as look:
        before = {row["id"] for row in look.accounts(Filters())}
        store_snapshot(store, SnapshotRows(System.JUMPCLOUD, [account("zoe")]))
        assert {row["id"] for row in look.accounts(Filters())} == before
        assert len(list(look.grants(Filters()))) == 7


def _large(members: int) -> SnapshotRows:
    people = [account(f"u{number}", f"u{number}@acme.example") for number in range(members)]
    names = [row.id for row in people]
    rows = [*people, *group("all", "All", *names), ResourceRow(ResourceKind.APPLICATION, "aws", "AWS")]
    return SnapshotRows(
        System.JUMPCLOUD, [*rows, holds("all", ResourceKind.APPLICATION, "aws", as_group=True)], page=4000
    )


@pytest.mark.long
def test_many_grants_are_never_held_at_once(store: Store) -> None:
    store_snapshot(store, _large(6000))
    with one_moment(store.database) as look:
        list(look.grants(Filters(limit=10)))  # statements are compiled, and caches filled, before it is measured
        tracemalloc.start()
        count = sum(1 for _ in look.grants(Filters(), in_order=True))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert count == 12_000
    assert peak < 4_000_000, "12 000 rows take more than ten times as much"


def test_sqlite_finds_what_a_grant_is_about_by_index(sqlite_url: str) -> None:
    """Without them each of a million rows would go through all accounts, or all parts."""
    database = Database(sqlite_url)
    statement = grants_statement(literal("jumpcloud"), HeldBy(), in_order=True)
    compiled = statement.compile(database.engine, compile_kwargs={"literal_binds": True})
    with database.read() as connection:
        plan = "\n".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}"))
    database.close()
    for step in (
        "SEARCH who USING INDEX ix_accounts_id (id=?)",
        "SEARCH what USING INDEX ix_resources_id (id=? AND kind=?)",
        "SEARCH through_group USING INDEX ix_resources_id (id=? AND kind=?)",
        "SEARCH of_group USING INDEX ix_grants_held_by_group (principal=?)",
        "SEARCH member USING PRIMARY KEY (part_id=? AND kind=? AND resource=? AND principal_kind=?)",
    ):
        assert step in plan, plan
