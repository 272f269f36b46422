import json
from pathlib import Path
from typing import Any

import pytest
import requests

from simulator.jumpcloud import World, dump, load
from simulator.server import Simulators
from tests.simulator.jumpcloud_client import JumpCloud


class Door:
    def __init__(self, jumpcloud: JumpCloud) -> None:
        self._url = jumpcloud.simulators.control_url

    def __call__(self, method: str, path: str, body: Any = None, **params: Any) -> requests.Response:
        return requests.request(method, self._url + path, json=body, params=params, timeout=300)


@pytest.fixture
def door(jumpcloud: JumpCloud) -> Door:
    return Door(jumpcloud)


def test_health_names_the_running_systems(door: Door) -> None:
    assert door("GET", "/health").json() == {"status": "ok", "systems": ["jumpcloud"]}


def test_state_is_the_truth_and_can_be_put_into_another_world(jumpcloud: JumpCloud, door: Door) -> None:
    user, group = jumpcloud.user(), jumpcloud.group()
    jumpcloud.change(group, "add", user)
    state = door("GET", "/state/jumpcloud").json()
    assert state["groups"][0]["members"] == [user]
    assert door("GET", "/state").json() == {"jumpcloud": state}
    copy = World()
    load(copy, state)
    assert dump(copy) == state


def test_a_part_of_a_state_can_be_loaded(jumpcloud: JumpCloud, door: Door) -> None:
    part = {"users": [{"email": "ada@example.com"}], "groups": [{"name": "A", "members": ["ada@example.com"]}]}
    assert door("PUT", "/state/jumpcloud", part).status_code == 204
    assert len(jumpcloud.get("/api/systemusers").json()["results"]) == 1
    refused = door("PUT", "/state/jumpcloud", {"people": []})
    assert (refused.status_code, "Unknown parts: people" in refused.json()["error"]) == (400, True)


def test_a_system_that_does_not_run_is_not_found(door: Door) -> None:
    answer = door("GET", "/state/jira")
    assert (answer.status_code, answer.json()["error"]) == (404, "No system 'jira' runs here. Running: jumpcloud.")


def test_switches_are_read_described_and_changed(jumpcloud: JumpCloud, door: Door) -> None:
    assert door("GET", "/switches/jumpcloud").json()["consistency_lag_ms"] == 0
    described = door("GET", "/switches/jumpcloud", describe=1).json()
    assert all(facts["means"] for facts in described.values())
    assert door("PATCH", "/switches/jumpcloud", {"consistency_lag_ms": 5}).json()["consistency_lag_ms"] == 5
    assert jumpcloud.world.switches.consistency_lag_ms == 5


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"missing_state": True, "nonsense": 1}, "No such switch: nonsense. Choose from:"),
        ({"missing_state": True, "drift": "up"}, "Switch drift cannot be 'up'"),
    ],
)
def test_unknown_switches_and_values_are_refused_and_nothing_is_changed(
    jumpcloud: JumpCloud, door: Door, body: Any, sentence: str
) -> None:
    answer = door("PATCH", "/switches/jumpcloud", body)
    assert (answer.status_code, sentence in answer.json()["error"]) == (400, True)
    assert jumpcloud.world.switches.missing_state is False


def test_faults_come_and_go_over_http(jumpcloud: JumpCloud, door: Door) -> None:
    made = door("POST", "/faults", {"path": "systemusers", "status": 500, "times": None})
    ident = made.json()["id"]
    assert (made.status_code, jumpcloud.get("/api/systemusers").status_code) == (201, 500)
    assert door("GET", f"/faults/{ident}", played=1).json()["played"] == 1
    assert [fault["id"] for fault in door("GET", "/faults").json()["faults"]] == [ident]
    assert door("DELETE", f"/faults/{ident}").status_code == 204
    assert jumpcloud.get("/api/systemusers").status_code == 200
    door("POST", "/limits", {"rate": 0.01})
    jumpcloud.get("/api/systemusers")
    assert jumpcloud.get("/api/systemusers").status_code == 429
    assert door("DELETE", "/faults").status_code == 204
    assert jumpcloud.get("/api/systemusers").status_code == 200


def test_a_held_fault_is_released_over_http(jumpcloud: JumpCloud, door: Door) -> None:
    ident = door("POST", "/faults", {"hold": "before"}).json()["id"]
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{jumpcloud.url}/api/systemusers", timeout=0.1)
    assert door("GET", f"/faults/{ident}", holding=1).json()["holding"] == 1
    assert door("POST", f"/faults/{ident}/release", {"drop": True}).status_code == 204


@pytest.mark.parametrize(
    "body",
    [{"stauts": 500}, {"path": "("}, {"query": "("}, {"times": 0}, {"drop": "sideways"}, {"bytes_per_second": 0}],
)
def test_a_rule_that_makes_no_sense_is_refused(door: Door, body: Any) -> None:
    answer = door("POST", "/faults", body)
    assert (answer.status_code, answer.json()["error"].startswith("Not a Fault: ")) == (400, True)


def test_a_fault_that_is_not_there_is_not_found(door: Door) -> None:
    assert door("DELETE", "/faults/f99").status_code == 404


def test_latency_is_set_over_http(jumpcloud: JumpCloud, door: Door) -> None:
    assert door("POST", "/latency", {"system": "jumpcloud", "latency_ms": 50}).status_code == 204
    assert jumpcloud.get("/api/systemusers").elapsed.total_seconds() >= 0.05


def test_requests_are_counted_by_route_and_the_latest_remembered(jumpcloud: JumpCloud, door: Door) -> None:
    group = jumpcloud.group()
    for _ in range(3):
        jumpcloud.v2(f"/usergroups/{group}/members", limit=5)
    jumpcloud.get("/nowhere")
    seen = door("GET", "/requests", last=2).json()
    route = "/api/v2/usergroups/{group_id}/members"
    assert {"system": "jumpcloud", "method": "GET", "route": route, "count": 3} in seen["counts"]
    assert seen["total"] == 4
    assert [(call["path"], call["query"], call["status"]) for call in seen["latest"]] == [
        (f"/api/v2/usergroups/{group}/members", "limit=5", 200),
        ("/nowhere", "", 404),
    ]
    assert jumpcloud.simulators.calls.count("jumpcloud", "GET", route) == 3
    assert door("DELETE", "/requests").status_code == 204
    assert door("GET", "/requests").json()["total"] == 0


def test_acts_change_the_world_behind_the_clients_back(jumpcloud: JumpCloud, door: Door) -> None:
    user, group = jumpcloud.user(), jumpcloud.group("Admins")
    answer = door("POST", "/actions/jumpcloud", {"do": "add_member", "group": "admins", "user": "ada@example.com"})
    assert answer.json() == {"group": group, "user": user}
    assert jumpcloud.members(group) == [user]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"do": "sing"}, "There is no action 'sing'. Choose from: activate_user,"),
        ({"do": "add_member", "group": "none", "user": "x"}, "add_member: There is no group 'none'."),
        ({"do": "delete_user"}, "delete_user: missing a required argument: 'user'. It takes: user."),
        ({"do": "add_user", "email": ""}, "add_user: username and email are required (status 400)."),
    ],
)
def test_an_action_that_cannot_be_done_says_why(door: Door, body: Any, sentence: str) -> None:
    answer = door("POST", "/actions/jumpcloud", body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(sentence)


def test_the_body_has_to_be_an_object(jumpcloud: JumpCloud) -> None:
    url = jumpcloud.simulators.control_url + "/faults"
    assert requests.post(url, data="nonsense", timeout=300).status_code == 400
    assert requests.post(url, json=[], timeout=300).status_code == 400


def test_dump_writes_the_state_file_if_there_is_one(tmp_path: Path, door: Door) -> None:
    assert door("POST", "/dump").status_code == 409
    file = tmp_path / "truth.json"
    with Simulators(jumpcloud=World(), state_file=file) as running:
        assert requests.post(running.control_url + "/dump", timeout=300).json() == {"file": str(file)}
    assert set(json.loads(file.read_text())) == {"jumpcloud"}


def test_the_actions_of_a_system_are_described(door: Door) -> None:
    described = door("GET", "/actions/jumpcloud").json()
    assert described["add_member"] == {"takes": ["group", "user"], "means": "Add a user to a group."}
    assert described["reset_key"]["takes"] == ["admin", "api_key?", "expires_at?"]
    assert all(facts["means"] for facts in described.values())


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("localhost:9100", 200), ("rebound.example", 400)])
def test_the_door_answers_only_by_a_name_of_this_machine(jumpcloud: JumpCloud, host: str, status: int) -> None:
    url = f"{jumpcloud.simulators.control_url}/health"
    assert requests.get(url, headers={"Host": host}, timeout=30).status_code == status
