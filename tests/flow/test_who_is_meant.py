"""Who is meant, at a Jira site: the reports from the field, and lives in which addresses change hands."""

from __future__ import annotations

from collections.abc import Iterator
from secrets import token_hex
from typing import Literal

import pytest

from access.lifecycle import RequestState
from access.policy import AccountProof, MissingAccount, Rule
from simulator.jira import World
from simulator.jumpcloud import World as JumpCloudWorld
from simulator.server import Simulators
from store.database import Database
from store.unit_of_work import Store
from tests.flow.simulated_people import RULES, JiraPeople, JumpCloudPeople


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def simulators(world: World) -> Iterator[Simulators]:
    with Simulators(jira=world) as simulators:
        yield simulators


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    database = Database(sqlite_url, pool_size=4)
    yield Store(database)
    database.close()


@pytest.fixture
def people(world: World, simulators: Simulators, store: Store) -> Iterator[JiraPeople]:
    people = JiraPeople(world, simulators, store)
    yield people
    people.close()


def address(name: str) -> str:
    return f"{name}-{token_hex(4)}@example.com"


@pytest.mark.parametrize("hidden", [True, False], ids=["hidden", "shown"])
def test_a1_an_address_that_moved_means_the_account_that_shows_it(people: JiraPeople, *, hidden: bool) -> None:
    smith = address("j.smith")
    people.ask("r1", "create_account", {"email": smith})
    old = people.world.user(smith).account_id
    people.change(old, email=address("jane.doe"), hidden=hidden)
    new = people.add(smith)
    people.ask("r2", "grant", {"email": smith})
    assert (people.has(old), people.has(new)) == (False, True)
    people.ask("r3", "revoke", {"email": smith})
    assert people.stack.request("r3").state is RequestState.DONE
    assert (people.has(old), people.has(new)) == (False, False)


@pytest.mark.parametrize("how", ["hit", "none"])
def test_a1_an_address_that_moved_and_is_hidden_is_nobodys_until_a_person_decides(
    people: JiraPeople, how: Literal["hit", "none"]
) -> None:
    smith = address("j.smith")
    people.ask("r1", "create_account", {"email": smith})
    old = people.world.user(smith).account_id
    people.change(old, email=address("jane.doe"), hidden=True)
    people.add(smith, hidden=True)
    people.search(how)
    people.ask("r2", "grant", {"email": smith})
    assert people.stack.request("r2").state is RequestState.REFUSED
    assert old in (people.stack.request("r2").reason or "")
    assert not people.has(old)


def test_a2_the_address_beside_an_id_teaches_nothing(people: JiraPeople) -> None:
    ada = address("ada")
    other = people.add(address("mallory"), hidden=True)
    people.ask("r1", "create_account", {"email": ada, "id": other})
    assert people.stack.request("r1").state is RequestState.DONE
    shown = people.add(ada)
    people.ask("r2", "grant", {"email": ada})
    assert (people.has(other), people.has(shown)) == (False, True)


def test_a3_what_is_probable_is_not_proven_by_a_request_for_the_account(people: JiraPeople) -> None:
    bob = address("bob")
    account = people.add(bob, hidden=True)
    people.join(account)
    people.ask("r1", "revoke", {"email": bob})
    people.ask("r2", "create_account", {"email": bob})
    people.ask("r3", "revoke", {"email": bob})
    people.ask("r4", "deprovision_account", {"email": bob})
    assert people.stack.request("r2").state is RequestState.DONE
    for name in ("r1", "r3", "r4"):
        assert people.stack.request(name).state is RequestState.BLOCKED
        assert account in (people.stack.request(name).reason or "")
    assert people.has(account)
    assert people.stack.tickets.open_issues() == []


@pytest.mark.parametrize("action", ["grant", "create_account"])
def test_a5_a_display_name_is_nobodys_address_and_no_proof_that_there_is_none(
    world: World, simulators: Simulators, store: Store, action: str
) -> None:
    rules = (Rule("jira:group:*:member", missing_account=MissingAccount.CREATE, proof=AccountProof.OPTIONAL), *RULES)
    people = JiraPeople(world, simulators, store, rules=rules)
    vera = address("vera")
    mallory = people.add(address("mallory"), name=vera, hidden=True)
    people.ask("r1", action, {"email": vera})
    assert people.stack.request("r1").state is RequestState.REFUSED
    assert mallory in (people.stack.request("r1").reason or "")
    assert people.holder(vera) is None
    assert not people.has(mallory)
    people.close()


def test_a12_the_ticket_names_the_account_that_is_acted_on_and_not_the_address_beside_its_id(
    people: JiraPeople,
) -> None:
    mallory = people.add(address("mallory"), name="Mallory M", hidden=True)
    ada = address("ada")
    people.ask("r1", "deprovision_account", {"email": ada, "id": mallory})
    (issue,) = people.stack.tickets.open_issues()
    assert "Mallory M" in issue.draft.summary
    assert people.stack.operation("r1").account_id == mallory
    assert people.stack.operation("r1").email is None


@pytest.mark.parametrize("action", ["grant", "create_account", "revoke", "deprovision_account"])
def test_a6_an_address_beside_another_one_makes_no_second_account_and_proves_nobody(store: Store, action: str) -> None:
    world = JumpCloudWorld()
    with Simulators(jumpcloud=world) as simulators:
        people = JumpCloudPeople(world, simulators, store)
        ada = people.add(address("ada"))
        people.join(ada)
        people.pose(ada, other := address("ada.at.home"))
        people.ask("r1", action, {"email": other})
        request = people.stack.request("r1")
        giving = action in ("grant", "create_account")
        assert request.state is (RequestState.REFUSED if giving else RequestState.BLOCKED)
        assert ada in (request.reason or "")
        assert people.stack.tickets.open_issues() == []
        assert people.has(ada)
        people.close()
