from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta

import pytest

from access.clock import ManualClock
from cli.doctor import examine
from config.settings import Settings
from simulator.switches import change_switches
from tests.cli.doctor_harness import DoctorHarness
from worker.systems.table import SYSTEMS

RIGHT = (
    "Make a new one and set jumpcloud.api_key: the old one was reset or has expired, or its administrator is suspended."
)


def test_good_settings_have_no_problem_and_nothing_is_changed(harness: DoctorHarness) -> None:
    ran = harness.see("--json", jumpcloud=harness.jumpcloud_section())
    found = {each["check"]: each["message"] for each in ran.json if each["area"] == "jumpcloud"}
    assert ran.code == 0
    assert found == {
        "clock": "This machine's clock agrees with the service's.",
        "credential": "JumpCloud knows the API key.",
        "organization": "The organization is Example Corp.",
        "reading": "It may read users, administrators, groups, applications, administrators' roles.",
        "group changes": "It may change members of groups.",
        "events": "Directory Insights can be read, so a sync reads what has changed.",
    }
    assert harness.wrote() == []


def test_a_problem_ends_with_exit_1_and_is_said_in_a_line_of_its_own(harness: DoctorHarness) -> None:
    ran = harness.see("--quiet", jumpcloud=harness.jumpcloud_section(api_key="wrong-key"))
    assert ran.code == 1
    assert f"  PROBLEM     credential: JumpCloud does not know the API key. {RIGHT}\n" in ran.out
    assert "wrong-key" not in ran.out + ran.err


def test_a_service_account_that_is_not_known(harness: DoctorHarness) -> None:
    url = harness.simulators.jumpcloud_url
    known = harness.jumpcloud.credentials()
    section = {"api_url": url, "insights_url": url, "token_url": f"{url}/oauth2/token", "client_id": known["client_id"]}
    assert harness.said("jumpcloud", jumpcloud=section | {"client_secret": "not-the-secret"}) == [
        (
            "JumpCloud's token service does not know the service account's id and secret. "
            "Correct jumpcloud.client_id and client_secret; a secret may have expired."
        )
    ]
    assert harness.said("jumpcloud", jumpcloud=section | {"client_secret": known["client_secret"]}) == []
    assert harness.said("jumpcloud", outcome="ok", jumpcloud=section | {"client_secret": known["client_secret"]})[
        1
    ] == ("JumpCloud knows the service account.")


def test_a_token_service_that_is_not_there(harness: DoctorHarness, free_port: int) -> None:
    url = harness.simulators.jumpcloud_url
    section = {"api_url": url, "client_id": "id", "client_secret": "a-secret"}
    assert harness.said("jumpcloud", jumpcloud=section | {"token_url": f"http://127.0.0.1:{free_port}/token"}) == [
        f"Nothing listens at 127.0.0.1:{free_port}. Correct jumpcloud.token_url."
    ]


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://nowhere.test", "The name nowhere.test does not resolve. {fix}, or this machine's name service."),
        ("http://127.0.0.1:{port}", "Nothing listens at 127.0.0.1:{port}. {fix}."),
        ("https://{host}", "{host} does not speak TLS. {fix}, or the proxy in between."),
        ("http://{host}/elsewhere", "What answers at http://{host}/elsewhere is not JumpCloud's API (404). {fix}."),
    ],
)
def test_an_address_that_is_wrong(harness: DoctorHarness, free_port: int, address: str, sentence: str) -> None:
    host = harness.simulators.jumpcloud_url.removeprefix("http://")
    words = {"host": host, "port": free_port, "fix": "Correct jumpcloud.api_url or region"}
    said = harness.said("jumpcloud", jumpcloud=harness.jumpcloud_section(api_url=address.format(**words)))
    assert said == [sentence.format(**words)]


def test_an_address_that_never_answers(harness: DoctorHarness) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        # The queue of connections that nobody accepts is full from here on: the next one gets no answer at all.
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.settimeout(0)
            each.connect_ex(("127.0.0.1", port))
        said = harness.said("jumpcloud", jumpcloud=harness.jumpcloud_section(api_url=f"http://127.0.0.1:{port}"))
        for each in waiting:
            each.close()
    assert said == [
        (
            f"127.0.0.1:{port} does not answer within 1 seconds. "
            "Let this machine through the firewall, or correct jumpcloud.api_url or region."
        )
    ]


def test_a_blocked_address(harness: DoctorHarness) -> None:
    change_switches(harness.jumpcloud.switches, source_blocked=True)
    assert harness.said("jumpcloud", jumpcloud=harness.jumpcloud_section()) == [
        (
            "JumpCloud blocks this machine's address for suspected abuse. "
            "Ask JumpCloud's support to lift that, and stop whatever else calls it from here."
        )
    ]


def test_an_organization_that_may_not_be_named(harness: DoctorHarness) -> None:
    change_switches(harness.jumpcloud.switches, single_org_header="forbidden")
    section = harness.jumpcloud_section(org_id=harness.jumpcloud.organization_id)
    assert harness.said("jumpcloud", jumpcloud=section) == [
        (
            "This key has one organization, and JumpCloud does not let it name one. "
            "Take jumpcloud.org_id out of the settings."
        )
    ]


def test_an_organization_that_must_be_named(harness: DoctorHarness) -> None:
    made = harness.act("add_admin", email="msp@example.com", roleName="Administrator", multiTenant=True)
    section = harness.jumpcloud_section(api_key=made["api_key"])
    needed = (
        "The credential belongs to several organizations, and JumpCloud wants to be told which is meant. "
        "Set jumpcloud.org_id; the console shows it under the organization's name."
    )
    assert harness.said("jumpcloud", jumpcloud=section) == [needed]
    section["org_id"] = "f" * 24
    assert harness.said("jumpcloud", jumpcloud=section) == [
        f"The credential sees no organization {'f' * 24}. Correct jumpcloud.org_id, or take it out."
    ]
    section["org_id"] = harness.jumpcloud.organization_id
    assert harness.said("jumpcloud", jumpcloud=section) == []


def test_a_role_that_may_only_read(harness: DoctorHarness) -> None:
    section = harness.jumpcloud_section(api_key=harness.jumpcloud.credentials()["read_only_api_key"])
    assert harness.said("jumpcloud", jumpcloud=section) == [
        (
            "The credential may not change members of groups, and provisioning is not off. "
            "Give it the role Manager or Administrator, or set provisioning to off."
        )
    ]
    assert harness.said("jumpcloud", jumpcloud=section, provisioning="off") == []


def test_a_role_that_may_not_even_read(harness: DoctorHarness) -> None:
    made = harness.act("add_admin", email="runner@example.com", roleName="Command Runner")
    section = harness.jumpcloud_section(api_key=made["api_key"])
    assert harness.said("jumpcloud", jumpcloud=section, provisioning="off") == [
        (
            "The credential may not read administrators, groups, applications, administrators' roles, "
            "so no snapshot can be complete. Give it a role that may, such as Read Only or Administrator."
        ),
        (
            "The credential may not read Directory Insights, so each sync reads everything. "
            "Give it the role Administrator or Read Only, or set sync.use_events to false."
        ),
    ]


def test_events_are_not_asked_for_where_they_are_not_used(harness: DoctorHarness, free_port: int) -> None:
    section = harness.jumpcloud_section(insights_url=f"http://127.0.0.1:{free_port}")
    assert harness.said("jumpcloud", jumpcloud=section) == [
        f"Nothing listens at 127.0.0.1:{free_port}. Correct jumpcloud.insights_url or region."
    ]
    assert harness.said("jumpcloud", jumpcloud=section, sync={"use_events": False}) == []


@pytest.mark.parametrize(
    ("left", "outcome", "sentence"),
    [
        (timedelta(days=60, hours=1), "ok", "ends on {ends}, in 60 days, as the service says."),
        (timedelta(days=21, hours=1), "ok", "ends on {ends}, in 21 days, as the service says."),
        (
            timedelta(days=21, hours=-1),
            "warning",
            (
                "ends on {ends}, in 20 days, as the service says. "
                "Make a new one in time and change it in jumpcloud; nothing has to be restarted."
            ),
        ),
    ],
)
def test_the_end_of_a_key_is_told_where_jumpcloud_shows_it(
    harness: DoctorHarness, left: timedelta, outcome: str, sentence: str
) -> None:
    ends = datetime.now(UTC) + left
    key = harness.jumpcloud.credentials()["api_key"]
    own = {
        "_id": "a" * 24,
        "email": "owner@example.com",
        "roleName": "Administrator",
        "apiKeyHash": {"prefix": key[:5], "expireAt": ends.isoformat()},
    }
    other = own | {"email": "other@example.com", "apiKeyHash": {"prefix": "zzz", "expireAt": "2020-01-01T00:00:00Z"}}
    harness.simulators.faults.add(
        system="jumpcloud", path="/api/users$", status=200, body={"totalCount": 2, "results": [other, own]}
    )
    said = harness.said("jumpcloud", outcome=outcome, jumpcloud=harness.jumpcloud_section())
    assert f"The credential for jumpcloud {sentence}".format(ends=f"{ends:%Y-%m-%d}") in said


def test_a_list_is_read_for_one_row_and_that_of_administrators_for_a_page(harness: DoctorHarness) -> None:
    """The key of the credential may be any administrator's."""
    harness.see("--json", jumpcloud=harness.jumpcloud_section(), provisioning="off")
    asked = {call.path: call.query for call in harness.simulators.calls.latest()}
    rows = {
        path: asked[path] for path in ("/api/systemusers", "/api/v2/usergroups", "/api/applications", "/api/v2/roles")
    }
    assert set(rows.values()) == {"limit=1"}
    assert asked["/api/users"] == "limit=100"


def test_a_clock_that_is_wrong(harness: DoctorHarness) -> None:
    settings = Settings.model_validate({"jumpcloud": harness.jumpcloud_section()})
    for minutes, side in ((10, "ahead of"), (-10, "behind")):
        clock = ManualClock(datetime.now(UTC) + timedelta(minutes=minutes))
        skew = next(each for each in examine(settings, clock, SYSTEMS) if each.check == "clock")
        seconds = int(skew.what.split(" is ")[1].split()[0])
        assert abs(seconds - 600) <= 5
        assert str(skew) == (
            f"This machine's clock is {seconds} seconds {side} the service's. "
            "Set it by NTP: access would end at the wrong time."
        )
