"""What the contracts assume, asked of services that do it, and of services that do the other thing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests

from simulator.jira.projects import Role
from simulator.jira.world import ADMIN_ACCOUNT
from simulator.switches import change_switches
from simulator.systems import act
from tasks.doctor.assumptions.assumption import Assumption
from tasks.doctor.assumptions.atlassian import ATLASSIAN
from tasks.doctor.assumptions.jira import JIRA
from tasks.doctor.assumptions.jumpcloud import JUMPCLOUD
from tests.cli.doctor_harness import DoctorHarness

CONTRACTS = Path(__file__).resolve().parents[2] / "docs" / "contracts"
PAGES: Mapping[str, Sequence[Assumption[Any]]] = {
    "jumpcloud": JUMPCLOUD,
    "jira-cloud": JIRA,
    "atlassian-organization": ATLASSIAN,
}
SCRATCH = (
    "--scratch=jumpcloud:group:scratch:member",
    "--scratch=jira:group:scratch:member",
    "--scratch=jira:project-role:ACC:Developers:assigned",
)
ROW = re.compile(r"\| (?P<fact>.*) \| (?P<mark>[^|]*) \| (?P<switch>[^|]*) ?\|")


def assumed_facts(page: str) -> list[str]:
    rows = map(ROW.fullmatch, (CONTRACTS / f"{page}.md").read_text().splitlines())
    return [row["fact"] for row in rows if row is not None and "assumed" in row["mark"]]


@pytest.fixture
def furnished(harness: DoctorHarness) -> DoctorHarness:
    """Both systems with somebody and something for each fact."""
    for group in ("scratch", "other", "third"):
        harness.act("add_group", name=group)
    for name in ("ada", "bob"):
        harness.act("add_user", email=f"{name}@example.com", username=name)
        for group in ("other", "third"):
            harness.act("add_member", group=group, user=f"{name}@example.com")
    harness.act("add_user", email="staged@example.com", username="staged", state="STAGED")
    harness.act("add_admin", email="second@example.com")
    jira = harness.jira
    act(jira, "create_group", name="scratch")
    act(jira, "create_project", key="TEAM", style="next-gen")
    act(jira, "add_role_actor", project="ACC", role="Administrators", user=ADMIN_ACCOUNT)
    return harness


Flip = Callable[[DoctorHarness], dict[str, Any] | None]


def _switched(**values: Any) -> Flip:
    return lambda harness: change_switches(harness.jumpcloud.switches, **values)


def _jira_switched(**values: Any) -> Flip:
    return lambda harness: change_switches(harness.jira.switches, **values)


def _read_only(harness: DoctorHarness) -> dict[str, Any]:
    change_switches(harness.jumpcloud.switches, read_only_status=401)
    return {"api_key": harness.act("add_admin", email="reader@example.com", roleName="Read Only")["api_key"]}


def _capitals_kept(harness: DoctorHarness) -> None:
    change_switches(harness.jumpcloud.switches, names_stored="as_sent")
    harness.act("add_user", email="Grace@Example.com", username="Grace")


def _bound_from_the_group(harness: DoctorHarness) -> None:
    change_switches(harness.jumpcloud.switches, application_binding_from="user_group")
    harness.act("add_application", name="wiki")
    harness.act("bind_application", application="wiki", group="other")


def _deletion_told(harness: DoctorHarness) -> None:
    change_switches(harness.jumpcloud.switches, deletion_emits_association_change=True)
    harness.act("delete_user", user="bob@example.com")


def _rules_told(harness: DoctorHarness) -> None:
    change_switches(harness.jumpcloud.switches, dynamic_emits_association_change=True)
    rule = {"queryType": "FilterQuery", "filters": [{"field": "username", "operator": "eq", "value": "ada"}]}
    harness.act("add_group", name="ruled", membershipMethod="DYNAMIC_AUTOMATED", memberQuery=rule)
    harness.act("evaluate_rules")


def _other_columns(harness: DoctorHarness) -> None:
    change_switches(harness.jumpcloud.switches, report_columns="aliases")
    _report(harness)


def _report(harness: DoctorHarness) -> None:
    headers = {"x-api-key": str(harness.jumpcloud.credentials()["api_key"])}
    url = f"{harness.simulators.jumpcloud_url}/insights/directory/v1/reports/users-to-user-groups"
    assert requests.post(url, json={}, headers=headers, timeout=30).status_code == 202


def _may_not_create(harness: DoctorHarness) -> None:
    change_switches(harness.jira.switches, createmeta_without_permission="400")
    harness.deny("CREATE_ISSUES", harness.jira.project("TEAM").id)


#: Each switch that the probe can see, how its other value comes about, and that value.
FLIPS: dict[str, tuple[Flip, Any]] = {
    "read_only_status": (_read_only, 401),
    "limit_over_maximum": (_switched(limit_over_maximum="reject"), "reject"),
    "unknown_id_status": (_switched(unknown_id_status=400), 400),
    "malformed_id_status": (_switched(malformed_id_status=404), 404),
    "names_stored": (_capitals_kept, "as_sent"),
    "missing_membership_method": (_switched(missing_membership_method=True), True),
    "unknown_user_on_add_status": (_switched(unknown_user_on_add_status=400), 400),
    "inactive_user_on_add_status": (_switched(inactive_user_on_add_status=400), 400),
    "object_id_filter": (_switched(object_id_filter="ignored"), "ignored"),
    "consistency_lag_ms": (_switched(consistency_lag_ms=300), None),
    "application_binding_from": (_bound_from_the_group, "user_group"),
    "deletion_emits_association_change": (_deletion_told, True),
    "dynamic_emits_association_change": (_rules_told, True),
    "search_term_case": (_switched(search_term_case="insensitive"), "insensitive"),
    "report_columns": (_other_columns, "aliases"),
    "search_returns_memberof": (_switched(search_returns_memberof=True), True),
    "memberof_needs_fields": (_switched(search_returns_memberof=True, memberof_needs_fields=True), True),
    "memberof_lag_ms": (_switched(search_returns_memberof=True, memberof_lag_ms=300), None),
    "error_bodies": (_switched(error_bodies="full"), "full"),
    "anonymous_directory_status": (_jira_switched(anonymous_directory_status=403), 403),
    "remove_nonmember_status": (_jira_switched(remove_nonmember_status=404), 404),
    "role_duplicate": (_jira_switched(role_duplicate="skip"), "skip"),
    "pages_tell_their_end": (_jira_switched(pages_tell_their_end=False), False),
    "audit_membership_events": (_jira_switched(audit_membership_events=True), True),
    "createmeta_without_permission": (_may_not_create, "400"),
    "text_limit": (_jira_switched(text_limit=1000), "below 32767"),
}


def probed(harness: DoctorHarness, *options: str, **jumpcloud: Any) -> dict[str, tuple[str, str]]:
    """Outcome and message of each finding, by its check."""
    sections = {"jumpcloud": harness.jumpcloud_section(**jumpcloud), "jira": harness.jira_section()}
    rows = harness.see("--probe", "--json", *SCRATCH, *options, **sections).json
    return {each["check"]: (each["outcome"], each["message"]) for each in rows}


def all_assumptions() -> Iterator[Assumption[Any]]:
    for assumptions in PAGES.values():
        yield from assumptions


@pytest.mark.parametrize("page", PAGES)
def test_each_assumed_fact_of_a_page_is_probed_or_says_why_not(page: str) -> None:
    facts = assumed_facts(page)
    assert facts
    for fact in facts:
        assert [each for each in PAGES[page] if fact.startswith(each.fact)], f"{page}: {fact}"
    for each in PAGES[page]:
        assert any(fact.startswith(each.fact) for fact in facts), f"{page} does not assume: {each.fact}"
        assert (each.look is None) == bool(each.cannot)


def test_half_of_the_assumed_facts_can_be_seen_at_least_and_each_such_switch_has_its_flip() -> None:
    facts: dict[str, bool] = {}
    for each in all_assumptions():
        facts[each.fact] = facts.get(each.fact, False) or each.look is not None
    assert sum(facts.values()) * 2 >= len(facts)
    assert {each.name for each in all_assumptions() if each.look is not None and each.switch} == set(FLIPS)


def test_a_service_that_is_as_assumed_is_found_so_and_what_was_changed_is_put_back(furnished: DoctorHarness) -> None:
    _report(furnished)
    before = furnished.jumpcloud.members.rights(_scratch(furnished))
    seen = probed(furnished)
    assert {check: what for check, what in seen.items() if what[0] == "warning"} == {}
    assert len([what for what in seen.values() if what[0] == "ok"]) >= 18
    assert furnished.jumpcloud.members.rights(_scratch(furnished)) == before
    assert ADMIN_ACCOUNT not in furnished.jira.group("scratch").members
    assert not furnished.jira.issues.by_id
    assert [len(actors) for actors in furnished.jira.project("ACC").roles.values() if actors] == [1]


def _scratch(harness: DoctorHarness) -> str:
    return harness.jumpcloud.group_ids["scratch"]


def test_without_a_scratch_group_nothing_is_changed(furnished: DoctorHarness) -> None:
    sections = {"jumpcloud": furnished.jumpcloud_section(), "jira": furnished.jira_section()}
    assert furnished.see("--probe", **sections).code == 0
    assert furnished.wrote() == []


#: Most flips fit into one world; these would hide another.
_ALONE = ("read_only_status", "missing_membership_method", "error_bodies", "consistency_lag_ms", "memberof_lag_ms")


def test_services_that_do_the_other_thing_are_found_out(furnished: DoctorHarness) -> None:
    flips = {name: flip for name, flip in FLIPS.items() if name not in _ALONE}
    for flip, _ in flips.values():
        flip(furnished)
    seen = probed(furnished)
    for name, (_, value) in flips.items():
        assert seen[name][0] == "warning", (name, seen[name])
        assert f"switch {name} is {value!r}" in seen[name][1]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in _ALONE else pytest.mark.long) for name in FLIPS]
)
def test_a_flipped_switch_is_named(furnished: DoctorHarness, name: str) -> None:
    flip, value = FLIPS[name]
    outcome, message = probed(furnished, **(flip(furnished) or {}))[name]
    assert outcome == "warning", message
    assert f"switch {name} is {'' if value is None else repr(value)}" in message


def test_a_cassette_holds_no_name_and_no_secret(furnished: DoctorHarness, tmp_path: Path) -> None:
    canary = "canary"
    for name in ("a", "b"):
        furnished.act("add_user", email=f"{canary}{name}@example.com", username=f"{canary}{name}", firstname=canary)
    furnished.act("add_group", name=f"{canary}-group", description=canary)
    act(furnished.jira, "create_user", email=f"{canary}@example.com", name=f"Canary {canary}")
    act(furnished.jira, "create_group", name=f"{canary}-group")
    act(furnished.jira, "create_project", key="CANARY", name=canary)
    furnished.jira.catalogue.add_role(Role(77, f"{canary} role", canary))
    file = tmp_path / "cassette.json"
    probed(furnished, f"--cassette={file}")
    text = file.read_text()
    assert json.loads(text)["exchanges"]
    secrets = [str(furnished.jumpcloud.credentials()["api_key"]), str(furnished.jira_section()["api_token"])]
    names = [
        canary,
        "ada@",
        "bob@",
        "example.com",
        "127.0.0.1",
        "Developers",
        "scratch:",
        ADMIN_ACCOUNT,
        "Example Corp",
    ]
    ids = [*furnished.jumpcloud.group_ids.values(), *furnished.jumpcloud.user_ids.values()]
    assert [each for each in (*names, *secrets, *ids) if each.lower() in text.lower()] == []
    assert file.stat().st_mode & 0o077 == 0
