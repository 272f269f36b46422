"""Every quirk of JumpCloud's contract that reading may meet: the picture is right, or the run failed and said so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from access.entitlements import System
from simulator.jumpcloud import World, seed
from simulator.server import Simulators
from simulator.systems import act
from tests.sync.breakages import HTML, always, breakages, once, refusals
from tests.sync.survey import HurriedClock, Quirk, Survey, survive, wide, wire
from tests.sync.truth import jumpcloud_truth

USERS = "^/api/systemusers$"
MEMBERS = "/members$"


def group_of(company: Survey, name: str = "Everybody") -> str:
    return str(company.world.group_ids[name.casefold()])


def user_of(company: Survey, number: int) -> str:
    return str(list(company.world.users)[number].id)


def member_of(company: Survey, number: int) -> str:
    return str(list(company.world.members.rights(group_of(company)))[number])


def company_of(url: str, folder: Path, *, sync: str = "listing", **settings: Any) -> Iterator[Survey]:
    clock = HurriedClock()
    world = World(clock=clock.seconds)
    seed(world, users=130, groups=3, memberships=12, apps=2, admins=2, rng_seed=3)
    act(world, "add_group", name="Everybody")
    act(world, "add_group", name="By rule", membershipMethod="DYNAMIC_AUTOMATED")
    world.members.fill(world.group_ids["everybody"], [user.id for user in world.users][:120])
    clock.advance(timedelta(hours=1))  # what made this world is no news
    with Simulators(jumpcloud=world) as simulators:
        known = world.credentials()
        jumpcloud = wide(api_url=simulators.jumpcloud_url, insights_url=simulators.jumpcloud_url)
        jumpcloud |= {"api_key": known["api_key"], **settings}
        if "client_id" in settings:
            del jumpcloud["api_key"]
            jumpcloud["token_url"] = f"{simulators.jumpcloud_url}/oauth2/token"
        provisor = wire({"jumpcloud": jumpcloud, "sync": {"jumpcloud_method": sync}}, url, folder, clock)
        yield Survey(System.JUMPCLOUD, simulators, provisor, clock, world, jumpcloud_truth)
        provisor.store.database.close()


@pytest.fixture
def company(sqlite_url: str, tmp_path: Path) -> Iterator[Survey]:
    yield from company_of(sqlite_url, tmp_path)


def give_and_take(company: Survey) -> None:
    """Changes of every sort."""
    company.act("add_user", email="new@example.com")
    company.act("suspend_user", user=user_of(company, 4))
    company.act("delete_user", user=user_of(company, 5))
    company.act("add_member", group="Everybody", user="new@example.com")
    company.act("remove_member", group="Everybody", user=member_of(company, 0))
    company.act("add_group", name="Added")
    company.act("add_member", group="Added", user="new@example.com")
    company.act("delete_group", group="admins-1")
    company.act("add_application", name="added", displayLabel="Added")
    company.act("bind_application", application="Added", group="Added")
    company.act("bind_application", application="Added", user="new@example.com")
    company.act("add_admin", email="chief@example.com", roleName="Manager")


SWITCHES = [
    Quirk("nothing unusual", change=give_and_take),
    Quirk("limits over the maximum are refused", {"limit_over_maximum": "reject"}),
    Quirk("v1 lists come in another order each time", {"unsorted_order": "rotating"}),
    Quirk("v2 lists tell no total", {"total_count_header": False}, give_and_take),
    Quirk("v2 lists have a link to the next page", {"link_header": True}),
    Quirk("users come without their state", {"missing_state": True}),
    Quirk("groups come without their method", {"missing_membership_method": True}),
    Quirk("users have an organization", {"users_have_organization": True}),
    Quirk("objects have fields nobody knows", {"extra_fields": True}),
    Quirk("deleted users linger in groups", {"deleted_user_lingers_ms": 60_000}),
    Quirk("the service is down now and then", {"unavailable_every": 9, "unavailable_burst": 1}, give_and_take),
    Quirk("the service is down often", {"unavailable_every": 9, "unavailable_burst": 4}),
    Quirk("calls are limited, without a word of when", {"rate_per_second": 40, "rate_burst": 8}),
    Quirk(
        "calls are limited, for so many seconds", {"rate_per_second": 40, "rate_burst": 20, "retry_after": "seconds"}
    ),
    Quirk("calls are limited, until a date", {"rate_per_second": 40, "rate_burst": 20, "retry_after": "date"}),
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
            ("empty", "whether this address is blocked"),
        )
    ),
]


@pytest.mark.parametrize("quirk", SWITCHES, ids=str)
def test_a_switch_is_turned(company: Survey, quirk: Quirk) -> None:
    survive(company, quirk)


def one_drifts(how: str, times: int) -> dict[str, Any]:
    return {"drift": how, "drift_times": times}


def delete_group(company: Survey) -> object:
    return company.act("delete_group", group="Everybody")


def first_user_goes(company: Survey) -> object:
    return company.act("delete_user", user=user_of(company, 0))


DRIFT = [
    Quirk("a row before the offset is removed once", one_drifts("remove", 1)),
    Quirk("a row is inserted once", one_drifts("insert", 1)),
    Quirk("rows are removed a few times", one_drifts("remove", 3)),
    Quirk("rows are inserted a few times", one_drifts("insert", 3)),
    Quirk("lists never rest while rows are removed", one_drifts("remove", 1000), fails="changed each of the 4 times"),
    Quirk("a group goes between the lists and its members", meanwhile=(MEMBERS, delete_group)),
    Quirk(
        "a group goes between the lists and its members, and is called unknown with 400",
        {"unknown_id_status": 400},
        meanwhile=(MEMBERS, delete_group),
    ),
    Quirk("a group goes while its members are read", meanwhile=("members", delete_group), after=4),
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


@pytest.mark.parametrize("quirk", DRIFT, ids=str)
def test_somebody_changes_what_is_being_read(company: Survey, quirk: Quirk) -> None:
    survive(company, quirk)


FAULTS = [
    *breakages("jumpcloud", users=USERS, members=MEMBERS),
    *refusals("jumpcloud", users=USERS, members=MEMBERS),
    Quirk("a gateway's 404, once", faults=[once("jumpcloud", path=MEMBERS, status=404, body=HTML)]),
    Quirk("a gateway's 404, always", faults=[always("jumpcloud", path=MEMBERS, status=404, body=HTML)], fails="404"),
]


@pytest.mark.parametrize("quirk", FAULTS, ids=str)
def test_an_answer_is_lost_or_broken(company: Survey, quirk: Quirk) -> None:
    survive(company, quirk)


def members_of(company: Survey, first: int, last: int) -> list[dict[str, Any]]:
    users = list(company.world.members.rights(group_of(company)))[first:last]
    return [{"attributes": None, "to": {"attributes": None, "id": user, "type": "user"}} for user in users]


def lie(*, rows: tuple[int, int], total: int | None, after: int, times: int | None = None) -> Any:
    """The group's page after ``after`` others says something else."""

    def tell(company: Survey) -> None:
        headers = {} if total is None else {"x-total-count": str(total)}
        path = f"{group_of(company)}/members"
        body = members_of(company, *rows)
        company.simulators.faults.add(path=path, status=200, body=body, headers=headers, after=after, times=times)

    return tell


LIES = [
    Quirk("a total that is too large, once", change=lie(rows=(0, 100), total=500, after=0, times=1)),
    Quirk(
        "a total that is too large", change=lie(rows=(0, 100), total=500, after=0), fails="changed each of the 4 times"
    ),
    Quirk(
        "a total that is too small", change=lie(rows=(0, 100), total=90, after=0), fails="changed each of the 4 times"
    ),
    Quirk("a total that is another on the next page, once", change=lie(rows=(100, 120), total=121, after=1, times=1)),
    Quirk("a page that comes twice, once", change=lie(rows=(0, 20), total=120, after=1, times=1)),
    Quirk("a page that comes twice", change=lie(rows=(0, 20), total=120, after=1), fails="changed each of the 4 times"),
    Quirk(
        "a page that comes twice, and no totals",
        {"total_count_header": False},
        lie(rows=(0, 20), total=None, after=1, times=1),
    ),
    Quirk("a short page in the middle", change=lie(rows=(0, 60), total=120, after=0, times=1)),
    Quirk("an empty page in the middle, once", change=lie(rows=(0, 0), total=120, after=1, times=1)),
    Quirk("an empty first page of a long list, once", change=lie(rows=(0, 0), total=120, after=0, times=1)),
    Quirk(
        "a list that is empty for a moment", change=lie(rows=(0, 0), total=0, after=0, times=1), fails="did not agree"
    ),
    Quirk("half of a list for a moment", change=lie(rows=(0, 50), total=50, after=0, times=1), fails="did not agree"),
]


@pytest.mark.parametrize("quirk", LIES, ids=str)
def test_a_list_is_not_what_it_says(company: Survey, quirk: Quirk) -> None:
    survive(company, quirk)


OWNER = "owner@example.com"
MANAGER = "Administrator With Billing"


def reset_key(company: Survey) -> object:
    return company.act("reset_key", admin=OWNER)


def give_key_back(company: Survey) -> object:
    return company.act("reset_key", admin=OWNER, api_key=KEY)


def lower_role(company: Survey) -> object:
    return company.act("change_admin", admin=OWNER, roleName="Command Runner")


def raise_role(company: Survey) -> object:
    return company.act("change_admin", admin=OWNER, roleName=MANAGER)


KEY = World().credentials()["api_key"]
CREDENTIALS = [
    Quirk("the key is replaced before", change=reset_key, fails="refused Provisor's credential", mend=give_key_back),
    *(
        Quirk(
            f"the key is replaced before {path}",
            meanwhile=(path, reset_key),
            after=after,
            fails="refused",
            mend=give_key_back,
        )
        for path, after in ((USERS, 0), (USERS, 1), ("/usergroups$", 0), (MEMBERS, 3), ("/associations$", 0))
    ),
    Quirk(
        "one call is refused",
        faults=[once("jumpcloud", path=MEMBERS, status=401, after=2)],
        fails="refused Provisor's credential",
    ),
    Quirk("the role is lowered before", change=lower_role, fails="answered 403", mend=raise_role),
    Quirk("the role is lowered half-way", meanwhile=(MEMBERS, lower_role), fails="403", mend=raise_role),
    Quirk(
        "the role is lowered half-way, and that is a 401",
        {"read_only_status": 401},
        meanwhile=(MEMBERS, lower_role),
        fails="401",
        mend=raise_role,
    ),
]


@pytest.mark.parametrize("quirk", CREDENTIALS, ids=str)
def test_the_credential_stops_being_good(company: Survey, quirk: Quirk) -> None:
    survive(company, quirk)
