from datetime import timedelta
from pathlib import Path

import pytest

from access.entitlements import EntitlementRef
from access.methods import Direction, Method
from access.policy import MissingAccount
from access.ticket_routes import StatusRules, TicketRoute
from config.errors import SettingsError
from config.policy_file import PolicyFile, load_policy

TICKET = "ticket: {project: ACCESS}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policy.yaml"


def rules(path: Path, *lines: str, head: str = TICKET) -> PolicyFile:
    path.write_text(head + "rules:\n" + "".join(f"  - {line}\n" for line in lines), encoding="utf-8")
    return load_policy(path)


def problems(path: Path, text: str) -> tuple[str, ...]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_policy(path)
    return tuple(problem.removeprefix(f"{path}: ") for problem in caught.value.problems)


def test_the_example_can_be_used_and_has_nothing_odd() -> None:
    loaded = load_policy(Path("config/examples/policy.yaml"))
    assert loaded.warnings == ()

    def rule(text: str) -> str | None:
        found = loaded.policy.rule_for(EntitlementRef.parse(text), direction=Direction.GIVE)
        return found.pattern if found else None

    assert rule("jumpcloud:group:Production DB:member") == "jumpcloud:group:Production*:member"
    assert rule("jira:project-role:PAY:Administrators:assigned") == "jira:project-role:*:Administrators:assigned"
    assert rule("jira:project-role:PAY:Developers:assigned") == "jira:project-role:*:assigned"
    assert rule("jira:group:jira-admins:member") == "jira:group:*-admins:member"


def test_a_rule_says_no_more_than_is_written_and_an_exact_pattern_has_the_form_of_entitlements(path: Path) -> None:
    plain, exact = rules(path, "pattern: jira:group:*:member", "pattern: 'jira:group:a%20b:member'").policy.rules
    assert exact.pattern == "jira:group:a b:member"
    assert (plain.give, plain.take, plain.missing_account) == (
        Method.CONNECTOR,
        Method.CONNECTOR,
        MissingAccount.REFUSE,
    )
    assert (plain.max_duration, plain.required, plain.products, plain.ticket) == (None, (), (), None)


def test_everything_a_rule_can_say_is_read(path: Path) -> None:
    (rule,) = rules(
        path,
        "{pattern: 'jira:project-role:PAY:*:assigned', give: ticket, take: deny, max_duration: PT4H, required: [reason],"
        " missing_account: create, products: [jira-software],"
        " ticket: {project: SEC, labels: [a], fields: {priority: {name: High}}}}",
    ).policy.rules
    assert (rule.give, rule.take, rule.missing_account) == (Method.TICKET, Method.DENY, MissingAccount.CREATE)
    assert (rule.max_duration, rule.required, rule.products) == (timedelta(hours=4), ("reason",), ("jira-software",))
    assert rule.ticket == TicketRoute(project="SEC", labels=("a",), fields={"priority": {"name": "High"}})


@pytest.mark.parametrize("text", ["8h", "PT8H", "480m", "0.5d", "7h60m"])
def test_the_longest_time_is_written_with_a_unit(path: Path, text: str) -> None:
    (rule,) = rules(path, f"{{pattern: 'jira:*', max_duration: {text}}}").policy.rules
    assert rule.max_duration in (timedelta(hours=8), timedelta(hours=12))


def test_where_tickets_go_is_completed_from_the_outside_in(path: Path) -> None:
    path.write_text(
        "ticket: {labels: [provisor]}\nrules: [{pattern: 'jira:*', ticket: {issue_type: Access}}, {pattern: '*'}]"
    )
    policy = load_policy(path, ticket=TicketRoute(project="ACCESS", issue_type="Service Request")).policy
    assert policy.ticket == TicketRoute(project="ACCESS", issue_type="Service Request", labels=("provisor",))
    assert policy.rules[0].ticket == TicketRoute(project="ACCESS", issue_type="Access", labels=("provisor",))
    assert policy.rules[1].ticket is None
    path.write_text("ticket: {project: SEC}\nrules: [{pattern: 'jira:*'}]")
    assert load_policy(path, ticket=TicketRoute(project="ACCESS")).policy.ticket.project == "SEC"


def test_a_policy_that_leaves_tickets_nowhere_to_go_or_has_an_unknown_heading_is_refused(path: Path) -> None:
    nowhere = "ticket.project is not set; set it here, or ticketing.project in the settings."
    assert problems(path, "rules: []") == (nowhere,)
    assert problems(path, TICKET + "rule: []") == ("rule is not a setting; did you mean rules?",)


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("{give: deny}", "rule 2, pattern is not set; set it."),
        ("{pattern: 'jira:*', patern: x}", "rule 2 (jira:*), patern is not a setting; did you mean pattern?"),
        (
            "{pattern: 'jira:*', give: maybe}",
            "rule 2 (jira:*), give is none of the words it can be; write connector, ticket or deny.",
        ),
        (
            "{pattern: 'jira:*', max_duration: 8}",
            "rule 2 (jira:*), max_duration needs a unit; write one such as 30m, 8h, 7d or PT8H.",
        ),
        ("{pattern: 'jira:*', max_duration: '8'}", "rule 2 (jira:*), max_duration needs a unit;"),
        ("{pattern: 'jira:*', max_duration: 8:00}", "rule 2 (jira:*), max_duration needs a unit;"),
        ("{pattern: 'jira:*', max_duration: 0s}", "rule 2 (jira:*), max_duration is too short to be given;"),
        ("{pattern: 'jira:*', max_duration: P1M}", "rule 2 (jira:*), max_duration is not a duration;"),
        (
            "{pattern: 'jira:*', products: [jira]}",
            "rule 2 (jira:*), products.1 is none of the words it can be; write jira-core,",
        ),
        ("{pattern: 'jira:*', ticket: {project: it}}", "rule 2 (jira:*), ticket.project is not a project key;"),
        ("{pattern: 'jira:*', ticket: {labels: [a b]}}", "rule 2 (jira:*), ticket.labels has a space in a label,"),
        ("{pattern: jira:group:Eng}", "rule 2 (jira:group:Eng), pattern has no wildcard and is no entitlement: "),
        ("{pattern: 'jira:roles:*'}", "rule 2 (jira:roles:*), pattern can match no entitlement;"),
        ("{pattern: 'jira:group:*:assigned'}", "rule 2 (jira:group:*:assigned), pattern can match no entitlement;"),
        ("{pattern: 'gira:*'}", "rule 2 (gira:*), pattern can match no entitlement;"),
        ("{pattern: ''}", "rule 2 (), pattern is empty;"),
        ("{pattern: 3}", "rule 2, pattern is not text; put it in quotes."),
        ("jira:*", "rule 2 is a heading, not a value; write its keys below it, indented."),
    ],
)
def test_what_is_wrong_is_told_with_the_number_and_the_pattern_of_the_rule(path: Path, rule: str, problem: str) -> None:
    (told,) = problems(path, f"{TICKET}rules:\n  - pattern: jumpcloud:*\n  - {rule}\n")
    assert told.startswith(problem)


def test_everything_wrong_is_told_at_once(path: Path) -> None:
    assert len(problems(path, "ticket: {project: x}\nrules: [{pattern: a}, {pattern: 'jira:*', give: x}]")) == 3


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("jira:*", "jira:group:*:member"),
        ("jira:group:*:member", "JIRA:group:*:member"),
        ("*", "jumpcloud:account:exists"),
        ("jira:group:eng*", "jira:group:eng-?:member"),
        ("jira:group:eng-?:member", "jira:group:eng-?:member"),
    ],
)
def test_a_rule_that_can_never_match_is_warned_of(path: Path, earlier: str, later: str) -> None:
    (warning,) = rules(path, f"pattern: '{earlier}'", f"pattern: '{later}'").warnings
    assert "never matches, because rule 1" in warning
    assert warning.startswith(f"Rule 2 ({later})")


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("jira:group:*:member", "jira:*"),
        ("jira:group:eng-?:member", "jira:group:eng-*:member"),
        ("jira:group:*-admins:member", "jira:group:*:member"),
        ("jumpcloud:*", "jira:*"),
        ("jira:group:eng*", "jira:group:Eng-?:member"),
    ],
)
def test_a_rule_that_can_still_match_is_not_warned_of(path: Path, earlier: str, later: str) -> None:
    assert rules(path, f"pattern: '{earlier}'", f"pattern: '{later}'").warnings == ()


def test_what_is_odd_is_warned_of(path: Path) -> None:
    assert "every request is refused" in rules(path, head=TICKET.replace("\n", "\nrules: []\n#")).warnings[0]
    (misspelt,) = rules(path, "{pattern: 'jira:*', required: [aproved_by, change]}").warnings
    assert "requires the free field 'aproved_by'; if you mean approved_by" in misspelt


def test_a_file_that_cannot_be_read_is_told_of(path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_policy(path)


def test_a_set_of_characters_is_never_taken_for_covered(path: Path) -> None:
    warnings = rules(path, "pattern: 'jira:group:*b*:member'", "pattern: 'jira:group:[abc]:member'").warnings
    assert not any("never matches" in warning for warning in warnings)


@pytest.mark.parametrize(
    "pattern", ["jira:group:site-admins:member", "jira:*", "jumpcloud:admin-role:*", "*:*dmin*:assigned"]
)
def test_a_rule_that_gives_an_administrators_power_without_proof_is_warned_of(path: Path, pattern: str) -> None:
    (warning,) = rules(path, f"{{pattern: '{pattern}', proof: optional}}").warnings
    assert "accounts that are not proven" in warning
    for harmless in ("proof: required", "give: deny, proof: optional", "take: ticket"):
        assert rules(path, f"{{pattern: '{pattern}', {harmless}}}").warnings == ()


def test_what_gives_no_administrators_power_needs_no_proof(path: Path) -> None:
    assert rules(path, "{pattern: 'jira:group:readers:member', proof: optional}").warnings == ()


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("{pattern: 'jira:group:dev:member', fed_by: 'jira:group:x:member'}", "is no group of JumpCloud"),
        ("{pattern: 'jira:group:dev:member', fed_by: 'Developers'}", "is no entitlement"),
        ("{pattern: 'jira:project-role:*', fed_by: 'jumpcloud:group:x:member'}", "is not about Jira groups"),
        ("{pattern: 'jumpcloud:application:x:assigned', via: 'jira:group:x:member'}", "is no group of JumpCloud"),
        ("{pattern: 'jumpcloud:group:*', via: 'jumpcloud:group:x:member'}", "is not about JumpCloud applications"),
        ("{pattern: 'jira:*', give: propagation}", "write connector, ticket or deny"),
    ],
)
def test_only_a_jumpcloud_group_feeds_a_jira_group(path: Path, rule: str, problem: str) -> None:
    (told,) = problems(path, f"{TICKET}rules:\n  - {rule}\n")
    assert problem in told


def test_a_rule_names_the_group_that_feeds_a_jira_group_and_the_policy_what_becomes_of_leavers(path: Path) -> None:
    path.write_text(
        f"{TICKET}leavers: automate\nrules:\n"
        "  - {pattern: 'jira:group:dev:member', fed_by: 'jumpcloud:group:Developers:member'}\n"
    )
    policy = load_policy(path).policy
    assert policy.automates_leavers
    assert [str(rule.fed_by) for rule in policy.rules] == ["jumpcloud:group:Developers:member"]


def test_a_kind_of_ticket_says_who_gets_it_what_its_statuses_mean_and_how_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(
        """
ticket:
  project: OPS
  watch_requester: true
  due_days: 3
  statuses: {done: [Erledigt, "10021"], rejected: [Abgelehnt]}
  close_fields: {Reason: x}
rules:
  - pattern: jumpcloud:*
    ticket: {watch_requester: false, assignees: [ada@example.com], statuses: {in_progress: [Wartet]}, due_days: 0}
"""
    )
    policy = load_policy(path).policy
    usual, special = policy.ticket_routes
    assert usual.statuses == StatusRules(done=("Erledigt", "10021"), rejected=("Abgelehnt",))
    assert (usual.watch_requester, usual.due_days, usual.close_fields) == (True, 3, {"Reason": "x"})
    assert special.statuses == StatusRules(in_progress=("Wartet",))
    assert (special.watch_requester, special.due_days, special.assignees) == (False, 0, ("ada@example.com",))
    assert special.close_fields == usual.close_fields


def test_an_application_has_a_way_and_entitlements_have_owners(path: Path) -> None:
    policy = rules(
        path,
        "{pattern: 'jumpcloud:application:*:assigned', via: 'jumpcloud:group:App users:member'}",
        head=TICKET
        + "owners:\n  - {pattern: 'jumpcloud:group:a*:member', owner: grace}\n  - {pattern: '*', owner: linus}\n",
    ).policy
    assert str(policy.rules[0].through) == "jumpcloud:group:App users:member"
    owners = [policy.owner_of(EntitlementRef.parse(f"jumpcloud:group:{name}:member")) for name in ("api", "web")]
    assert owners == ["grace", "linus"]
    assert "names no kind of resource" in problems(path, TICKET + "owners: [{pattern: 'jira:thing:x', owner: x}]")[0]
