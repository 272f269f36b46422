import pytest

from access.lifecycle import (
    ENDS,
    LIFECYCLE,
    ClaimState,
    OperationState,
    RequestState,
    TicketState,
    is_final,
    transitions,
)

STATES = {"request": RequestState, "operation": OperationState, "claim": ClaimState, "ticket": TicketState}
#: An end that a person may undo by trying again, and how.
BY_A_PERSON = {("request", "failed", "fulfilling"), ("operation", "failed", "ready")}

entities = pytest.mark.parametrize("entity", STATES)


@entities
def test_the_table_names_every_state_and_no_other(entity: str) -> None:
    assert set(LIFECYCLE[entity]) == {"", *STATES[entity]}
    assert {end for ends in LIFECYCLE[entity].values() for end in ends} <= set(STATES[entity])


def reached_from(entity: str, start: str) -> set[str]:
    reached, fresh = set[str](), {start}
    while fresh:
        reached |= fresh
        fresh = {end for state in fresh for end in LIFECYCLE[entity][state]} - reached
    return reached


@entities
def test_every_state_can_be_reached_from_birth_and_an_end_from_every_state(entity: str) -> None:
    assert reached_from(entity, "") == {"", *STATES[entity]}
    for state in STATES[entity]:
        assert reached_from(entity, state) & ENDS[entity], f"{entity} {state} can never end"


@entities
def test_nothing_follows_an_end_but_what_a_person_asks_for(entity: str) -> None:
    onward = {(entity, start, end) for start in ENDS[entity] for end in LIFECYCLE[entity][start]}
    assert onward == {step for step in BY_A_PERSON if step[0] == entity}


@entities
def test_to_stay_is_no_step_and_nothing_is_born_twice(entity: str) -> None:
    for state in STATES[entity]:
        assert state not in LIFECYCLE[entity][state]
        assert "" not in LIFECYCLE[entity][state]


@entities
def test_nothing_is_born_at_its_end(entity: str) -> None:
    assert not LIFECYCLE[entity][""] & ENDS[entity]


def test_done_is_never_undone() -> None:
    for entity, done in (("request", "done"), ("operation", "done"), ("claim", "ended"), ("ticket", "verified")):
        assert is_final(entity, done)
        assert not LIFECYCLE[entity][done]


def test_an_operation_is_done_only_after_somebody_was_at_it() -> None:
    before_done = {start for start, ends in LIFECYCLE["operation"].items() if "done" in ends}
    assert before_done == {"running", "with_person", "blocked"}


def test_access_that_is_being_taken_away_is_not_given_back() -> None:
    assert LIFECYCLE["claim"]["ending"] == {"ended"}


def test_the_list_for_the_database_is_the_table() -> None:
    listed = transitions()
    assert len(set(listed)) == len(listed)
    assert all(end in LIFECYCLE[entity][start] for entity, start, end in listed)
    assert len(listed) == sum(len(ends) for table in LIFECYCLE.values() for ends in table.values())
