"""The decision how a request is fulfilled: every refusal and every method, one row each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from access.accounts import Account, NoMatch
from access.entitlements import Entitlement, EntitlementRef, ResourceKind, System
from access.message import AccessRequest
from access.methods import Direction, Method
from access.planning import Plan, Refusal, account_of, make_plan
from access.policy import MissingAccount, Policy, Rule, TicketRoute

ADA = Account(System.JIRA, "a1", "Ada", email="ada@example.com")
NOBODY = NoMatch("ada@example.com")
GROUP = "jira:group:Admins:member"
ACCOUNT = "jira:account:exists"
#: What Jira's API can do: an account can be made, and not be taken away.
BY_API = {(kind, Direction.GIVE) for kind in ResourceKind} | {(ResourceKind.GROUP, Direction.TAKE)}


def request(action: str = "grant", **changes: Any) -> AccessRequest:
    about = {"system": "jira"} if action.endswith("account") else {"entitlement": GROUP}
    plain = {"id": "r1", "action": action, "subject": {"email": "ada@example.com"}}
    return AccessRequest.model_validate(plain | about | changes)


def entitlement(ref: str = "jira:group:9f1c:member", named: str = GROUP, **changes: Any) -> Entitlement:
    return Entitlement(EntitlementRef.parse(ref), EntitlementRef.parse(named), "the group Admins", **changes)


def planned(
    message: AccessRequest,
    *rules: Rule,
    account: Account | NoMatch = ADA,
    found: Entitlement | NoMatch | None = None,
) -> Plan | Refusal:
    if found is None:
        found = account_of(System.JIRA) if message.entitlement is None else entitlement()
    return make_plan(
        message,
        account=account,
        entitlement=found,
        policy=Policy(rules=rules or (Rule("*"),), ticket=TicketRoute("OPS")),
        automates=lambda kind, direction: (kind, direction) in BY_API,
    )


HOUR = timedelta(hours=1)
HIDDEN = Account(System.JIRA, "a1", "Ada", email_proven=False)
SEVERAL = NoMatch("ada", ("Ada (a1)", "Ada (a2)"), several=True)
CREATE, BY_TICKET = MissingAccount.CREATE, MissingAccount.TICKET
SOFTWARE = ("jira-software",)


@pytest.mark.parametrize(
    ("message", "rules", "facts", "because"),
    [
        pytest.param(request(), [Rule("jumpcloud:*")], {}, "No policy rule matches", id="no rule"),
        pytest.param(request(), [Rule("*", give=Method.DENY)], {}, "does not allow to give", id="deny giving"),
        pytest.param(request("revoke"), [Rule("*", take=Method.DENY)], {}, "does not allow to take", id="deny taking"),
        pytest.param(
            request(), [Rule(GROUP, give=Method.DENY), Rule("*")], {}, "does not allow", id="the first rule decides"
        ),
        pytest.param(
            request(), [Rule("*", max_duration=HOUR)], {}, "for standing access", id="standing, with a maximum"
        ),
        pytest.param(
            request(duration=3601),
            [Rule("*", max_duration=HOUR)],
            {},
            "for at most 1:00:00",
            id="longer than the maximum",
        ),
        pytest.param(
            request(),
            [Rule("*", required=("reason", "cost_centre"))],
            {},
            "requires cost_centre, reason",
            id="lacks facts",
        ),
        pytest.param(request(reason="  "), [Rule("*", required=("reason",))], {}, "requires reason", id="a blank fact"),
        pytest.param(
            request("create_account", products=["jira-core"]),
            [Rule("*", products=SOFTWARE)],
            {},
            "not jira-core",
            id="products that policy does not give",
        ),
        pytest.param(request("revoke"), [], {"account": HIDDEN}, "no proof", id="taking by a hidden address"),
        pytest.param(
            request(), [], {"found": NoMatch("Admns", ("Admins",))}, "did you mean Admins", id="no such group"
        ),
        pytest.param(
            request(), [Rule("*", missing_account=CREATE)], {"account": SEVERAL}, "more than one", id="two people"
        ),
        pytest.param(
            request("revoke"),
            [Rule("*", missing_account=CREATE)],
            {"account": NOBODY},
            "matches none",
            id="taking from nobody",
        ),
        pytest.param(request(), [], {"account": NOBODY}, "does not allow to make the account", id="no account"),
        pytest.param(
            request(subject={"username": "ada"}),
            [Rule("*", missing_account=CREATE)],
            {"account": NOBODY},
            "name the person by email",
            id="no account and no address",
        ),
        pytest.param(
            request(),
            [Rule(GROUP, missing_account=CREATE)],
            {"account": NOBODY},
            "make accounts",
            id="no rule for accounts",
        ),
        pytest.param(
            request(),
            [Rule(GROUP, missing_account=CREATE), Rule(ACCOUNT, give=Method.DENY)],
            {"account": NOBODY},
            "make accounts in jira",
            id="accounts denied",
        ),
        pytest.param(
            request(),
            [Rule(GROUP, missing_account=CREATE), Rule(ACCOUNT, required=("approved_by",))],
            {"account": NOBODY},
            "requires approved_by",
            id="the account's rule lacks facts",
        ),
        pytest.param(
            request(products=["jira-core"]),
            [Rule(GROUP, missing_account=CREATE), Rule(ACCOUNT, products=SOFTWARE)],
            {"account": NOBODY},
            "not jira-core",
            id="the account's rule has other products",
        ),
    ],
)
def test_a_request_is_refused_in_one_sentence(
    message: AccessRequest, rules: list[Rule], facts: dict[str, Any], because: str
) -> None:
    refusal = planned(message, *rules, **facts)
    assert isinstance(refusal, Refusal)
    assert because in refusal.reason


@pytest.mark.parametrize(
    ("message", "rules", "facts", "via", "why"),
    [
        pytest.param(request(), [], {}, Method.CONNECTOR, "the API allow it", id="by API"),
        pytest.param(request("revoke"), [], {}, Method.CONNECTOR, "the API allow it", id="taken by API"),
        pytest.param(
            request(), [Rule("*", give=Method.TICKET)], {}, Method.TICKET, "has a person do it", id="by policy"
        ),
        pytest.param(
            request("revoke"),
            [Rule("*", give=Method.TICKET)],
            {},
            Method.CONNECTOR,
            "allow it",
            id="by policy the other way",
        ),
        pytest.param(
            request(),
            [],
            {"found": entitlement(by_person="it is dynamic")},
            Method.TICKET,
            "it is dynamic",
            id="a rule",
        ),
        pytest.param(
            request("deprovision_account"),
            [],
            {},
            Method.TICKET,
            "cannot be taken away through the Jira API",
            id="no API",
        ),
        pytest.param(
            request(duration=3600), [Rule("*", max_duration=HOUR)], {}, Method.CONNECTOR, "", id="the maximum"
        ),
        pytest.param(
            request("revoke"), [Rule("*", max_duration=HOUR)], {}, Method.CONNECTOR, "", id="no maximum for taking"
        ),
        pytest.param(
            request(reason="x"), [Rule("*", required=("reason",))], {}, Method.CONNECTOR, "", id="has the facts"
        ),
        pytest.param(
            request(fields={"cost_centre": "7"}),
            [Rule("*", required=("cost_centre",))],
            {},
            Method.CONNECTOR,
            "",
            id="own fact",
        ),
        pytest.param(request(), [], {"account": HIDDEN}, Method.CONNECTOR, "", id="giving by a hidden address"),
    ],
)
def test_one_operation_for_an_account_that_is_there(
    message: AccessRequest, rules: list[Rule], facts: dict[str, Any], via: Method, why: str
) -> None:
    plan = planned(message, *rules, **facts)
    assert isinstance(plan, Plan), plan
    [step] = plan.steps
    assert plan.account == facts.get("account", ADA)
    assert (step.direction, step.via) == (message.action.direction, via)
    assert why in step.why


@pytest.mark.parametrize(
    ("asked", "rule", "account_rule", "given"),
    [
        ((), (), (), ()),
        ((), (), SOFTWARE, SOFTWARE),
        ((), ("jira-core",), SOFTWARE, ("jira-core",)),
        (SOFTWARE, (), (*SOFTWARE, "jira-core"), SOFTWARE),
        (SOFTWARE, (), (), SOFTWARE),
    ],
)
def test_a_new_account_gets_the_products_asked_for_else_those_of_the_narrower_rule(
    asked: tuple[str, ...], rule: tuple[str, ...], account_rule: tuple[str, ...], given: tuple[str, ...]
) -> None:
    rules = [Rule(GROUP, missing_account=CREATE, products=rule), Rule(ACCOUNT, products=account_rule)]
    plan = planned(request(products=asked), *rules, account=NOBODY)
    assert isinstance(plan, Plan)
    first, second = plan.steps
    assert plan.account is None
    assert (str(first.entitlement.ref), first.via, first.products) == (ACCOUNT, Method.CONNECTOR, given)
    assert (str(second.entitlement.named), second.products) == (GROUP, ())


def test_a_rule_may_have_a_person_make_the_account() -> None:
    plan = planned(request(), Rule(GROUP, missing_account=BY_TICKET), Rule(ACCOUNT), account=NOBODY)
    assert isinstance(plan, Plan)
    assert [step.via for step in plan.steps] == [Method.TICKET, Method.CONNECTOR]


@pytest.mark.parametrize("asked", [(), SOFTWARE])
def test_a_request_for_an_account_needs_no_account(asked: tuple[str, ...]) -> None:
    plan = planned(request("create_account", products=asked), Rule("*", products=SOFTWARE), account=NOBODY)
    assert isinstance(plan, Plan)
    assert [(step.direction, step.products) for step in plan.steps] == [(Direction.GIVE, SOFTWARE)]


def test_products_are_for_new_accounts_alone() -> None:
    plan = planned(request(products=SOFTWARE), Rule("*", products=SOFTWARE))
    assert isinstance(plan, Plan)
    assert plan.steps[0].products == ()
