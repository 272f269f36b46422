"""The company of the demonstration: what its systems hold at the start, and its policy."""

from __future__ import annotations

from typing import Any

DOMAIN = "northwind.example"
#: Where tickets go, and the agent who works on them.
TICKET_PROJECT = "ACCESS"
AGENT = "pat"
#: The field that every ticket of the project has to have, and its choices.
REQUIRED_FIELD = {"name": "Access team", "type": "option", "options": ["Directory", "Workplace"]}

#: First name (and name of the account) -> family name. Everybody here has an account in both systems.
PEOPLE = {
    "ada": "Lovelace",
    "alan": "Turing",
    "annie": "Easley",
    "barbara": "Liskov",
    "dennis": "Ritchie",
    "donald": "Knuth",
    "edsger": "Dijkstra",
    "frances": "Allen",
    "grace": "Hopper",
    "hedy": "Lamarr",
    "joan": "Clarke",
    "john": "Backus",
    "karen": "Jones",
    "katherine": "Johnson",
    "ken": "Thompson",
    "leslie": "Lamport",
    "margaret": "Hamilton",
    "mary": "Jackson",
    "niklaus": "Wirth",
    "pat": "Selinger",
    "radia": "Perlman",
    "robin": "Milner",
    "tim": "Lee",
    "tony": "Hoare",
    "vint": "Cerf",
}


def address(person: str) -> str:
    """The address of one of the people, or of somebody who has no account yet."""
    return f"{person}@{DOMAIN}"


def _members(*people: str) -> list[str]:
    return [address(person) for person in people]


def content() -> dict[str, Any]:
    """What the systems hold at the start, in the form that the simulators take."""
    return {"jumpcloud": _jumpcloud(), "jira": _jira()}


def _jumpcloud() -> dict[str, Any]:
    platform = ("pat", "robin")
    users = [
        {
            "email": address(first),
            "firstname": first.title(),
            "lastname": last,
            "department": "Platform" if first in platform else "Product",
        }
        for first, last in PEOPLE.items()
    ]
    rule = {"queryType": "FilterQuery", "filters": [{"field": "department", "operator": "eq", "value": "Platform"}]}
    groups = [
        {"name": "Engineering", "members": _members("grace", "tim", "vint")},
        {"name": "Finance", "members": _members("donald", "mary")},
        {"name": "On-call", "members": _members("tim")},
        {
            "name": "Platform department",
            "members": _members(*platform),
            "membership_method": "DYNAMIC_AUTOMATED",
            "member_query": rule,
        },
        {"name": "Root access", "members": []},
    ]
    return {"organization": {"name": "Northwind"}, "users": users, "groups": groups}


def _jira() -> dict[str, Any]:
    users = [
        {"email": address(first), "display_name": f"{first.title()} {last}", "managed": True}
        for first, last in PEOPLE.items()
    ]
    groups = [
        {"name": "release-managers", "members": _members("edsger", "joan")},
        {"name": "okta-engineering", "members": _members("leslie"), "external_synced": True, "managed_by": "external"},
        {"name": "jira-administrators", "members": _members("niklaus", "pat"), "access_type": "admin"},
    ]
    projects = [
        {
            "key": "PAY",
            "name": "Payments",
            "lead": address("grace"),
            "roles": {"Developers": [{"user": address(who)} for who in ("katherine", "joan")]},
        },
        {"key": "CRM", "name": "Customers", "lead": address("grace")},
        {
            "key": TICKET_PROJECT,
            "name": "Access requests",
            "lead": address(AGENT),
            "roles": {"Administrators": [{"user": address(AGENT)}]},
        },
    ]
    return {"users": users, "groups": groups, "projects": projects}


POLICY = f"""\
# The policy of the demonstration: the first rule that matches decides, and no rule means no.
ticket:
  project: {TICKET_PROJECT}
  issue_type: Access Request
  labels: [provisor]
  # The project does not take a ticket without a team; who asked is told of it, and it links to what it is about.
  fields:
    Access team: "{{% if facts.system == 'Jira' %}}Workplace{{% else %}}Directory{{% endif %}}"
  assignees: [{address(AGENT)}]
  watch_requester: true
  remote_link: true
  due_days: 2

rules:
  # Nobody gets root by a message.
  - pattern: "jumpcloud:group:Root*:member"
    give: deny

  - pattern: "jumpcloud:group:*:member"

  # Administrators of a project: approved, and for an hour at most.
  - pattern: "jira:project-role:*:Administrators:assigned"
    max_duration: 1h
    required: [reason, approved_by]

  # Other roles; the account is made when there is none.
  - pattern: "jira:project-role:*:assigned"
    missing_account: create
    products: [jira-software]

  - pattern: "jira:group:*:member"

  - pattern: "jira:account:exists"
    required: [approved_by]
"""

#: The company's own words for tickets that ask to give access; the other templates are Provisor's.
GIVE_TEMPLATE = """\
# Access desk: give {{ facts.account_title or facts.subject }} {{ facts.entitlement_title }}

Dear access desk, {{ facts.requested_by }} asks for this; {{ facts.approved_by }} approved it.

{% include "_facts.md.j2" %}
{% include "_until.md.j2" %}
- **Request:** {{ facts.request_id | code }}, ticket number {{ facts.attempt }} for it

Please change it {{ facts.link | link("here") }}, and close this ticket.

{% include "_checks.md.j2" %}
"""
