from __future__ import annotations

from typing import Any

import pytest

from access.ticket_routes import StatusRules
from ticketing.jira.responses import Transition
from ticketing.jira.workflow import missing_fields, resolution_for, screen_values, way_back, way_out
from ticketing.status import StatusMap

STATUSES = StatusMap()


def way(name: str, category: str, *, to: str = "", id_: str = "1", **more: Any) -> Transition:
    status = {"id": id_, "name": to or name, "statusCategory": {"key": category}}
    return Transition.model_validate({"id": "1", "name": name, "to": status, **more})


def field(*choices: str, required: bool = False, default: bool = False) -> dict[str, Any]:
    values = [{"id": str(place), "name": name} for place, name in enumerate(choices)]
    return {"name": "F", "required": required, "hasDefaultValue": default, "allowedValues": values}


def back(*ways: Transition, before: str | None = None) -> str | None:
    chosen = way_back(ways, before=before, statuses=STATUSES)
    return chosen.name if chosen else None


def out(*ways: Transition) -> str | None:
    chosen = way_out(ways, statuses=STATUSES)
    return chosen.name if chosen else None


START, WAIT = way("Start", "indeterminate", id_="3"), way("Wieder öffnen", "new", id_="4")
FINISH, REFUSE = way("Fertig", "done", to="Erledigt"), way("Ablehnen", "done", to="Declined")


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (back(START, WAIT, FINISH), "Wieder öffnen"),
        (back(START, FINISH), "Start"),
        (back(START, WAIT, before="3"), "Start"),
        (back(START, WAIT, before="gone"), "Wieder öffnen"),
        (back(FINISH), None),
        (back(), None),
        (back(way("A", "new", isAvailable=False), START), "Start"),
        (back(way("A", "new", fields={"x": field(required=True)}), START), "Start"),
    ],
)
def test_the_way_back_is_where_it_was_else_new_else_in_progress(chosen: str | None, expected: str | None) -> None:
    assert chosen == expected


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (out(FINISH, REFUSE), "Ablehnen"),
        (out(START, FINISH), "Fertig"),
        (out(FINISH, way("Zu", "done", fields={"resolution": field("Done", "Won't Do")})), "Zu"),
        (out(START, WAIT), None),
        (out(way("Ablehnen", "done", fields={"x": field(required=True)}), FINISH), "Fertig"),
    ],
)
def test_the_way_out_is_one_that_declines_else_any(chosen: str | None, expected: str | None) -> None:
    assert chosen == expected


@pytest.mark.parametrize(
    ("fields", "resolution"),
    [
        ({}, {}),
        ({"resolution": field("Done", "Declined", "Won't Do")}, {"resolution": {"id": "2"}}),
        ({"resolution": field("Done")}, {}),
        ({"resolution": field("Done", required=True)}, {"resolution": {"id": "0"}}),
        ({"resolution": field("Done", required=True, default=True)}, {}),
    ],
)
def test_a_resolution_is_sent_only_when_the_screen_offers_it(
    fields: dict[str, Any], resolution: dict[str, Any]
) -> None:
    assert resolution_for(way("Zu", "done", fields=fields), STATUSES.refusals) == resolution


def test_missing_fields_are_those_required_without_a_value() -> None:
    fields = {
        "a": {**field(required=True), "name": "Reason"},
        "b": field(),
        "c": field(required=True, default=True),
        "resolution": field("Done", required=True),
    }
    assert missing_fields(way("Zu", "done", fields=fields)) == ["Reason"]


def test_fields_of_a_transition_get_the_values_that_policy_has_for_them_by_id_or_name() -> None:
    fields = {"customfield_1": {**field("Yes", "No", required=True), "name": "Reason", "schema": {"type": "option"}}}
    finish = way("Zu", "done", fields=fields)
    assert missing_fields(finish, {"reason": "no"}) == []
    assert screen_values(finish, {"reason": "no", "Other": "1"}) == {"customfield_1": {"id": "1"}}
    assert way_out([finish, REFUSE], statuses=STATUSES, values={"customfield_1": "Yes"}) == REFUSE
    assert way_out([finish], statuses=STATUSES, values={"customfield_1": "Yes"}) == finish


def test_ways_follow_what_policy_says_that_statuses_mean() -> None:
    statuses = StatusMap(rules=StatusRules(rejected=("Parken",), in_progress=("Erledigt",)))
    park = way("Park", "new", to="Parken")
    assert way_out([FINISH, park], statuses=statuses) == park
    assert way_back([FINISH, park], before=None, statuses=statuses) == FINISH
