"""Every quirk of JumpCloud that reading may meet: the snapshot is right, or the reader says why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.jumpcloud import api_key, service_account
from httpclient import ClientOptions
from simulator.jumpcloud import World, seed
from simulator.server import Simulators
from simulator.systems import act
from tests.connectors.jumpcloud_reader_harness import JumpCloudReaderHarness
from tests.connectors.reader_quirks import HTML, Quirk, QuirkySystem, breakages, survive
from tests.connectors.snapshot_truth import jumpcloud_truth
from tests.httpclient.stub import TIMEOUTS

USERS = "^/api/systemusers$"
MEMBERS = "/members$"
BIG = "Everybody"


@pytest.fixture
def harness() -> Iterator[JumpCloudReaderHarness]:
    world = World()
    seed(world, users=130, groups=3, memberships=12, apps=2, admins=2, rng_seed=3)
    act(world, "add_group", name=BIG)
    act(world, "add_group", name="By rule", membershipMethod="DYNAMIC_AUTOMATED")
    world.members.fill(world.group_ids[BIG.casefold()], [user.id for user in world.users][:120])
    with Simulators(jumpcloud=world) as simulators:
        harness = JumpCloudReaderHarness(world, simulators)
        yield harness
        harness.close()


def system_of(harness: JumpCloudReaderHarness, method: str = "listing", **reader: Any) -> QuirkySystem:
    return QuirkySystem(harness.simulators, harness.world, lambda: harness.reader(method, **reader), jumpcloud_truth)


@pytest.fixture
def company(harness: JumpCloudReaderHarness) -> QuirkySystem:
    return system_of(harness)


def user_of(company: QuirkySystem, number: int) -> str:
    return str(list(company.world.users)[number].id)


def member_of(company: QuirkySystem, number: int) -> str:
    return str(list(company.world.members.rights(company.world.group_ids[BIG.casefold()]))[number])


SWITCHES = [
    Quirk("nothing unusual"),
    Quirk("v1 lists come in another order each time", {"unsorted_order": "rotating"}),
    Quirk("v2 lists tell no total", {"total_count_header": False}),
    Quirk("a larger page than there may be is refused", {"limit_over_maximum": "reject", "link_header": True}),
    Quirk("users come without their state", {"missing_state": True}),
    Quirk("groups come without their method", {"missing_membership_method": True}),
    Quirk("objects have fields nobody knows", {"extra_fields": True, "users_have_organization": True}),
    Quirk("the service is down now and then", {"unavailable_every": 9, "unavailable_burst": 2}),
    *(
        Quirk(
            f"the address is blocked, and errors are {bodies}",
            {"error_bodies": bodies, "source_blocked": True},
            fails=why,
        )
        for bodies, why in (
            ("message", "blocked due to suspected abuse"),
            ("full", "blocked due to suspected abuse"),
            ("html", "403"),
            ("empty", "forbids Provisor's credential everything"),
        )
    ),
]


def one_drifts(how: str, times: int) -> dict[str, Any]:
    return {"drift": how, "drift_times": times}


def first_user_goes(company: QuirkySystem) -> object:
    return company.act("delete_user", user=user_of(company, 0))


CHANGES = [
    *(
        Quirk(f"{how} {times} times between two pages", one_drifts(how, times), late=True)
        for how in ("remove", "insert")
        for times in (1, 3)
    ),
    Quirk("lists never rest", one_drifts("remove", 1000), fails="changed every time"),
    Quirk("a user goes while users are read", meanwhile=(USERS, first_user_goes), after=1),
    Quirk(
        "a user comes while users are read",
        meanwhile=(USERS, lambda one: one.act("add_user", email="late@example.com")),
        after=1,
    ),
    Quirk(
        "a group comes while groups are read",
        meanwhile=("^/api/v2/usergroups$", lambda one: one.act("add_group", name="Late")),
    ),
]

FAULTS = [
    *breakages("jumpcloud", USERS, MEMBERS),
    Quirk(
        "a gateway's 404",
        faults=[{"system": "jumpcloud", "path": MEMBERS, "status": 404, "body": HTML, "times": None}],
        fails="404",
    ),
]


def lie(*, rows: tuple[int, int], total: int | None, after: int = 0, times: int | None = 1) -> Any:
    """The group's page after ``after`` others says something else."""

    def tell(company: QuirkySystem) -> None:
        group = company.world.group_ids[BIG.casefold()]
        users = list(company.world.members.rights(group))[slice(*rows)]
        body = [{"attributes": None, "to": {"attributes": None, "id": user, "type": "user"}} for user in users]
        headers = {} if total is None else {"x-total-count": str(total)}
        company.simulators.faults.add(
            path=f"{group}/members", status=200, body=body, headers=headers, after=after, times=times
        )

    return tell


LIES = [
    Quirk("a total that is too large, once", change=lie(rows=(0, 100), total=500)),
    Quirk("a total that is too large", change=lie(rows=(0, 100), total=500, times=None), fails="changed every time"),
    Quirk("a total that is too small", change=lie(rows=(0, 100), total=90, times=None), fails="changed every time"),
    Quirk("another total on the next page, once", change=lie(rows=(100, 120), total=121, after=1)),
    Quirk("a page that comes twice, once", change=lie(rows=(0, 20), total=120, after=1)),
    Quirk("a page that comes twice", change=lie(rows=(0, 20), total=120, after=1, times=None), fails="changed every"),
    Quirk(
        "a page that comes twice, and no totals",
        {"total_count_header": False},
        lie(rows=(0, 20), total=None, after=1),
    ),
    Quirk("a short page in the middle", change=lie(rows=(0, 60), total=120)),
    Quirk("an empty page in the middle, once", change=lie(rows=(0, 0), total=120, after=1)),
    Quirk("an empty first page of a long list, once", change=lie(rows=(0, 0), total=120)),
]

OWNER = "owner@example.com"


def reset_key(company: QuirkySystem) -> object:
    return company.act("reset_key", admin=OWNER)


def lower_role(company: QuirkySystem) -> object:
    return company.act("change_admin", admin=OWNER, roleName="Command Runner")


CREDENTIALS = [
    Quirk("the key is replaced before", change=reset_key, fails="refused Provisor's credential"),
    *(
        Quirk(f"the key is replaced before {path}", meanwhile=(path, reset_key), after=after, fails="refused")
        for path, after in ((USERS, 0), (USERS, 1), ("/usergroups$", 0), (MEMBERS, 3), ("/associations$", 0))
    ),
    Quirk("the role is lowered before", change=lower_role, fails="answered 403"),
    Quirk("the role is lowered half-way", meanwhile=(MEMBERS, lower_role), fails="403"),
    Quirk(
        "the role is lowered half-way, and that is a 401",
        {"read_only_status": 401},
        meanwhile=(MEMBERS, lower_role),
        fails="401",
    ),
]


@pytest.mark.parametrize("quirk", [*SWITCHES, *CHANGES, *FAULTS, *LIES, *CREDENTIALS], ids=str)
def test_a_quirk_is_survived(company: QuirkySystem, quirk: Quirk) -> None:
    survive(company, quirk)


def swap_members(company: QuirkySystem) -> None:
    company.act("remove_member", group=BIG, user=member_of(company, 0))
    company.act("add_member", group=BIG, user=user_of(company, 125))


def swap_users(company: QuirkySystem) -> None:
    company.act("delete_user", user=user_of(company, 3))
    company.act("add_user", email="late@example.com")


@pytest.mark.parametrize(("path", "swap"), [("members", swap_members), ("/api/systemusers", swap_users)])
def test_a_row_that_moves_past_the_offset_is_read(harness: JumpCloudReaderHarness, path: str, swap: Any) -> None:
    """One row leaves and another joins between two pages: the total stays what it was."""
    company = system_of(harness, concurrency=1)
    if path == "members":
        path = f"{company.world.group_ids[BIG.casefold()]}/members"
    survive(company, Quirk("a swap", meanwhile=(f"{path}$", swap), after=1))


def give_and_take(company: QuirkySystem) -> None:
    """Changes of every sort, one of which makes a rule put a user into a group."""
    query = {"queryType": "FilterQuery", "filters": [{"field": "department", "operator": "eq", "value": "Rules"}]}
    company.act("change_group", group="By rule", memberQuery=query)
    company.act("change_user", user=user_of(company, 9), department="Rules")
    company.act("evaluate_rules")
    company.act("delete_user", user=member_of(company, 3))
    company.act("remove_member", group=BIG, user=member_of(company, 0))
    company.act("add_group", name="Added")
    company.act("bind_application", application=next(iter(company.world.applications)).id, group="Added")


@pytest.mark.parametrize(
    "switch",
    [
        {},
        {"deletion_emits_association_change": True},
        {"dynamic_emits_association_change": True},
        {"search_term_case": "insensitive"},
        {"retention_days": 15},
    ],
    ids=str,
)
def test_events_tell_enough_of_changes_of_every_sort(harness: JumpCloudReaderHarness, switch: dict[str, Any]) -> None:
    reader = harness.reader()
    harness.switch(**switch)
    first = harness.take(reader)
    give_and_take(system_of(harness))
    again = harness.take(reader, last=first)
    assert not again.plan.full
    assert harness.proves(again)


@pytest.mark.parametrize(
    "quirk",
    [
        Quirk("tokens live for a second", {"token_seconds": 1}),
        Quirk("tokens do not tell how long they live", {"token_tells_life": False}),
        Quirk("tokens are revoked half-way", meanwhile=(MEMBERS, lambda one: one.act("revoke_tokens"))),
        Quirk("tokens are revoked in a list", meanwhile=(USERS, lambda one: one.act("revoke_tokens")), after=1),
    ],
    ids=str,
)
def test_a_service_account_reads(harness: JumpCloudReaderHarness, quirk: Quirk) -> None:
    known = harness.world.credentials()
    credential = service_account(
        known["client_id"],
        known["client_secret"],
        options=ClientOptions(timeouts=TIMEOUTS),
        token_url=f"{harness.simulators.jumpcloud_url}/oauth2/token",
    )
    survive(system_of(harness, credential=credential), quirk)


def test_an_organization_that_may_not_be_named_is_said_so(harness: JumpCloudReaderHarness) -> None:
    known = harness.world.credentials()
    company = system_of(harness, credential=api_key(known["api_key"]), organization=known["org_id"])
    survive(company, Quirk("no organization may be named", {"single_org_header": "forbidden"}, fails="403"))
