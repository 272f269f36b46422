"""The decision how a request is fulfilled: every refusal and every method, one row each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access.accounts import Account, NoMatch
from access.entitlements import Entitlement, EntitlementRef, ResourceKind, System
from access.message import AccessRequest
from access.methods import Direction, Method
from access.planning import Plan, Refusal, Undecided, account_of, make_plan
from access.policy import AccountProof, MissingAccount, Policy, Rule
from access.ticket_routes import TicketRoute

ADA = Account(System.JIRA, "a1", "Ada", email="ada@example.com")
NOBODY = NoMatch("ada@example.com")
GROUP = "jira:group:Admins:member"
NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
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
) -> Plan | Refusal | Undecided:
    if found is None:
        found = account_of(System.JIRA) if message.entitlement is None else entitlement()
    return make_plan(
        message,
        account=account,
        entitlement=found,
        policy=Policy(rules=rules or (Rule("*"),), ticket=TicketRoute("OPS")),
        automates=lambda kind, direction: (kind, direction) in BY_API,
        now=NOW,
        source="test",
    )


HOUR = timedelta(hours=1)
GRANT, REVOKE, PRODUCTS = request(), request("revoke"), request(products=["jira-core"])
SOFTWARE = ("jira-software",)
WITH_MAXIMUM, FOR_A_PERSON = Rule("*", max_duration=HOUR), Rule("*", give=Method.TICKET)
CREATE, BY_TICKET = (
    Rule(GROUP, missing_account=MissingAccount.CREATE),
    Rule(GROUP, missing_account=MissingAccount.TICKET),
)

HIDDEN = {"account": Account(System.JIRA, "a1", "Ada", email_proven=False)}
READERS = {"found": entitlement(named="jira:group:readers:member")}
LONGER = READERS | {"account": Account(System.JIRA, "a1", "Ada", email_proven=False, may_be_longer=True)}
SEVERAL = {"account": NoMatch("ada", ("Ada (a1)", "Ada (a2)"), several=True)}
MISSING = {"account": NOBODY}
PERHAPS = {"account": NoMatch("ada@example.com", ("Ada (a1)",), unproven=True)}
CONTRADICTION = {"account": NoMatch("ada@example.com", ("Ada (a1)", "Eve (a2)"), contradiction=True)}
NEAR = {"found": NoMatch("Admns", ("Admins",))}
DYNAMIC = {"found": entitlement(by_person="a rule fills it")}

#: What is asked, under which rules, with which facts, and what the refusal says.
REFUSED: dict[str, tuple[AccessRequest, list[Rule], dict[str, Any], str]] = {
    "no rule": (GRANT, [Rule("jumpcloud:*")], {}, "No policy rule matches"),
    "deny giving": (GRANT, [Rule("*", give=Method.DENY)], {}, "does not allow to give"),
    "deny taking": (REVOKE, [Rule("*", take=Method.DENY)], {}, "does not allow to take"),
    "the first rule decides": (GRANT, [Rule(GROUP, give=Method.DENY), Rule("*")], {}, "does not allow"),
    "standing, with a maximum": (GRANT, [WITH_MAXIMUM], {}, "for standing access"),
    "longer than the maximum": (request(duration=3601), [WITH_MAXIMUM], {}, "for at most 1:00:00"),
    "facts are missing": (GRANT, [Rule("*", required=("reason", "team"))], {}, "requires reason, team"),
    "a fact is blank": (request(reason="  "), [Rule("*", required=("reason",))], {}, "requires reason"),
    "other products": (
        request("create_account", products=["jira-core"]), [Rule("*", products=SOFTWARE)], {}, "not jira-core"
    ),
    "no such group": (GRANT, [], NEAR, "did you mean Admins"),
    "two people": (GRANT, [CREATE, Rule(ACCOUNT)], SEVERAL, "more than one"),
    "giving by a hidden address": (GRANT, [], HIDDEN, "proven accounts only"),
    "giving by what may be a longer address": (GRANT, [], LONGER, "Ada (a1) hides an address that begins so"),
    "an account by what may be a longer address": (request("create_account"), [], LONGER | {"found": None}, "begins so"),
    "nobody of this id": (request(subject={"email": "a@b.example", "id": "a9"}), [CREATE, Rule(ACCOUNT)], MISSING, "none"),
    "perhaps somebody": (request("create_account"), [CREATE, Rule(ACCOUNT)], PERHAPS, "it may be Ada (a1)"),
    "a contradiction": (GRANT, [CREATE, Rule(ACCOUNT)], CONTRADICTION, "is not one account"),
    "taking, a contradiction": (REVOKE, [], CONTRADICTION, "is not one account"),
    "no account": (GRANT, [], MISSING, "does not allow to make the account"),
    "no account, no address": (request(subject={"username": "ada"}), [CREATE], MISSING, "name the person by email"),
    "no rule for accounts": (GRANT, [CREATE], MISSING, "make accounts"),
    "accounts denied": (GRANT, [CREATE, Rule(ACCOUNT, give=Method.DENY)], MISSING, "make accounts in jira"),
    "facts for the account": (GRANT, [CREATE, Rule(ACCOUNT, required=("team",))], MISSING, "requires team"),
    "the account's products": (PRODUCTS, [CREATE, Rule(ACCOUNT, products=SOFTWARE)], MISSING, "not jira-core"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_request_is_refused_in_one_sentence(case: str) -> None:
    message, rules, facts, because = REFUSED[case]
    refusal = planned(message, *rules, **facts)
    assert isinstance(refusal, Refusal)
    assert because in refusal.reason


#: What is asked, under which rules, with which facts, by which method it is done, and why.
PLANNED: dict[str, tuple[AccessRequest, list[Rule], dict[str, Any], Method, str]] = {
    "given": (GRANT, [], {}, Method.CONNECTOR, "the API allow it"),
    "taken": (REVOKE, [], {}, Method.CONNECTOR, "the API allow it"),
    "a person, by policy": (GRANT, [FOR_A_PERSON], {}, Method.TICKET, "has a person do it"),
    "only giving is for a person": (REVOKE, [FOR_A_PERSON], {}, Method.CONNECTOR, "the API allow it"),
    "the API cannot change the group": (GRANT, [], DYNAMIC, Method.TICKET, "a rule fills it"),
    "the API cannot": (request("deprovision_account"), [], {}, Method.TICKET, "cannot be taken away through the Jira API"),
    "the maximum": (request(duration=3600), [WITH_MAXIMUM], {}, Method.CONNECTOR, ""),
    "no maximum for taking": (REVOKE, [WITH_MAXIMUM], {}, Method.CONNECTOR, ""),
    "has the facts": (request(reason="x"), [Rule("*", required=("reason",))], {}, Method.CONNECTOR, ""),
    "has a free fact": (request(fields={"team": "7"}), [Rule("*", required=("team",))], {}, Method.CONNECTOR, ""),
    "giving by a hidden address": (
        GRANT, [], HIDDEN | READERS, Method.CONNECTOR, ""
    ),
    "giving knowingly by what may be a longer address": (
        GRANT, [Rule("*", proof=AccountProof.OPTIONAL)], LONGER, Method.CONNECTOR, ""
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", PLANNED)
def test_one_operation_for_an_account_that_is_there(case: str) -> None:
    message, rules, facts, via, why = PLANNED[case]
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
    rules = [Rule(GROUP, missing_account=MissingAccount.CREATE, products=rule), Rule(ACCOUNT, products=account_rule)]
    plan = planned(request(products=asked), *rules, account=NOBODY)
    assert isinstance(plan, Plan)
    first, second = plan.steps
    assert plan.account is None
    assert (str(first.entitlement.ref), first.via, first.products) == (ACCOUNT, Method.CONNECTOR, given)
    assert (str(second.entitlement.named), second.products) == (GROUP, ())


def test_a_rule_may_have_a_person_make_the_account() -> None:
    plan = planned(request(), BY_TICKET, Rule(ACCOUNT), account=NOBODY)
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


@pytest.mark.parametrize(
    "facts", [HIDDEN, LONGER, PERHAPS, SEVERAL, {"account": NoMatch("ada@example.com", ("Ada (a1)",))}], ids=repr
)
def test_whose_access_is_taken_is_a_persons_to_decide_where_nothing_proves_it(facts: dict[str, Any]) -> None:
    undecided = planned(REVOKE, **facts)
    assert isinstance(undecided, Undecided)
    assert "Ada" in undecided.reason
    assert isinstance(planned(REVOKE, Rule("*", take=Method.DENY), **facts), Refusal)


def test_facts_for_taking_are_others_than_those_for_giving() -> None:
    rule = Rule("*", required=("approved_by",), required_to_take=("reason",))
    assert isinstance(planned(request("revoke", reason="left"), rule), Plan)
    assert isinstance(planned(REVOKE, rule), Refusal)
