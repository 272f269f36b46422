"""One guard on every road (D), over both simulated systems: what they show today decides, also after a fault.

``tests/tasks/test_one_guard.py`` tries every fact and road against doubles; here the facts are the systems' own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from access.lifecycle import ClaimState, OperationState, RequestState
from access.operations import Purpose
from connectors.guard import FACTS_AT_MOST_OLD
from store.database import Database
from store.unit_of_work import Store
from tests.fakes.passing_faults import UNDONE
from tests.flow.simulated_world import MINUTE, Example, World
from tests.larger import larger
from tests.proof import Case, Kept, Lost, Proof, Wrongful, promise

#: What leaves a change to a person, and what bars giving, in each system.
BY_PERSON = {"jumpcloud group": ("protected", "dynamic", "mastered"), "jira group": ("protected", "provider")}
BARS = {"jumpcloud group": "suspended", "jira group": "inactive"}
FACTS = [(kind, fact) for kind, facts in BY_PERSON.items() for fact in facts]
#: When it comes to be: before the request, or after a first write that met a fault.
BEFORE = "before"
MOMENTS = (BEFORE, *UNDONE)
#: What was read so long ago decides nothing any more.
OLD = FACTS_AT_MOST_OLD + timedelta(seconds=1)


def with_the_first_write_failing(one: Example, fault: str, case: Case) -> None:
    """What is due is tried, and its write does not happen."""
    for method in ("POST", "DELETE"):
        one.world.faults.come(fault, times=None, method=method, path="members|/group/user")
    one.stack.run()
    one.world.faults.go()
    case.faults.update(one.world.faults.fired)
    one.world.faults.fired.clear()


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    database = Database(request.getfixturevalue(request.param), pool_size=4)
    yield Store(database)
    database.close()


def examples(number: int) -> settings:
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    phases = (Phase.explicit, Phase.reuse, Phase.generate)
    return settings(max_examples=number, deadline=None, suppress_health_check=checks, phases=phases)


#: Each moment, and so each fault, has cases of its own: none fires by chance alone.
AMOUNTS = pytest.mark.parametrize(
    ("moments", "amount"),
    [
        pytest.param(MOMENTS, 3, id="any"),
        *(pytest.param((each,), larger(2, share=0.04), marks=pytest.mark.long, id=each) for each in MOMENTS),
    ],
)


@AMOUNTS
@pytest.mark.timeout(1800)
def test_d_whatever_a_system_says_of_a_removal_a_person_is_asked_and_it_goes_on(
    world: World, store: Store, moments: tuple[str, ...], amount: int
) -> None:
    proof = Proof("D", on=store.database.engine.dialect.name, faults={*moments} - {BEFORE})

    @examples(amount)
    @given(
        st.sampled_from(FACTS),
        st.sampled_from(("revoke", "claim_of", "expiry")),
        st.sampled_from(moments),
    )
    def check(fact: tuple[str, str], road: str, moment: str) -> None:
        with proof.case(fact, road, moment) as case:
            one = Example(world, store, fact[0])
            grant = one.submit("grant", "grant", **({"duration": "PT10M"} if road == "expiry" else {}))
            one.stack.run()
            assert one.holds()
            if moment == BEFORE:
                one.happen(fact[1])
                one.stack.clock.advance(OLD)
            request = grant
            if road == "expiry":
                one.stack.clock.advance(10 * MINUTE)
            else:
                request = one.submit("revoke", "revoke", **({"claim_of": grant} if road == "claim_of" else {}))
            if moment != BEFORE:
                with_the_first_write_failing(one, moment, case)
                one.happen(fact[1])
            one.stack.run(20 * MINUTE)
            story = (fact, road, moment)
            promise(Wrongful, one.holds(), "taken by API", *story)
            purpose = Purpose.EXPIRY if road == "expiry" else Purpose.REQUEST
            operation = one.stack.operation(request, purpose=purpose)
            promise(Lost, operation.state is OperationState.WITH_PERSON, operation, *story)
            one.work_on_tickets(truly=True)
            one.stack.run(20 * MINUTE)
            ended = one.stack.claim(grant).state is ClaimState.ENDED
            case.removal(done=ended)
            promise(Lost, ended, "never over", *story)
            promise(Kept, not one.holds(), *story)

    check()


@AMOUNTS
@pytest.mark.timeout(1800)
def test_d_whatever_a_system_says_of_a_grant_nothing_is_given_by_api_against_it(
    world: World, store: Store, moments: tuple[str, ...], amount: int
) -> None:
    proof = Proof("D", on=store.database.engine.dialect.name, faults={*moments} - {BEFORE})

    @examples(amount)
    @given(st.sampled_from([*FACTS, *BARS.items()]), st.sampled_from(moments))
    def check(fact: tuple[str, str], moment: str) -> None:
        with proof.case(fact, moment) as case:
            one = Example(world, store, fact[0])
            if moment == BEFORE:
                one.happen(fact[1])
            grant = one.submit("grant", "grant")
            if moment != BEFORE:
                with_the_first_write_failing(one, moment, case)
                one.happen(fact[1])
            one.stack.run(20 * MINUTE)
            story = (fact, moment, one.stack.request(grant))
            promise(Wrongful, not one.holds(), *story)
            if fact in BARS.items():
                over = {RequestState.REFUSED, RequestState.FAILED, RequestState.WITHDRAWN}
                promise(Lost, one.stack.request(grant).state in over, *story)
            else:
                promise(Lost, one.stack.operation(grant).state is OperationState.WITH_PERSON, *story)

    check()


@pytest.mark.parametrize("claim_of", [{}, {"claim_of": "b{}-grant"}], ids=["by subject", "claim_of"])
@pytest.mark.parametrize("kind", BY_PERSON)
def test_d_a_removal_that_a_claim_names_is_planned_with_what_the_system_says_of_the_group_today(
    world: World, store: Store, kind: str, claim_of: dict[str, str]
) -> None:
    """The claim remembers the group; whether only a person changes it is asked anew."""
    one = Example(world, store, kind)
    one.submit("grant", "grant")
    one.stack.run()
    one.happen("protected")
    one.stack.clock.advance(OLD)
    revoke = one.submit("revoke", "revoke", **{name: text.format(one.number) for name, text in claim_of.items()})
    one.stack.run(MINUTE)
    assert one.holds()
    assert one.stack.operation(revoke).state is OperationState.WITH_PERSON
