"""The policy file: from YAML to ``access.policy.Policy``. A file with one doubtful part is refused as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator, model_validator

from access.durations import parse_duration
from access.entitlements import RIGHTS, EntitlementRef, ResourceKind, System
from access.findings import Profile, ProfileRule
from access.message import FACTS
from access.methods import Method
from access.patterns import may_overlap, plain_form
from access.policy import (
    ADMINISTRATOR_LIKE,
    GIVE_WITHIN,
    AccountProof,
    LastAdministrator,
    LeaverAccess,
    MissingAccount,
    OwnerRule,
    Policy,
    Rule,
    Suspended,
)
from access.products import Product
from access.text import loose_name, shortened
from access.ticket_routes import StatusRules, TicketRoute
from config.error_messages import error_messages
from config.errors import SettingsError
from config.field_types import ProjectKey, Words
from config.section import Section
from config.setting_keys import nearest
from config.yaml_file import read_mapping

_WILDCARDS = "*?["


def _with_unit(value: Any) -> timedelta:
    """Refuse a bare number: ``8`` in a policy could be seconds or hours."""
    if isinstance(value, timedelta):
        return value  # a default
    if not isinstance(value, str) or value.strip().isdigit():
        raise ValueError("needs a unit; write one such as 30m, 8h, 7d or PT8H")
    duration = parse_duration(value)
    if duration < timedelta(seconds=1):
        raise ValueError("is too short to be given; write one such as 30m, 8h, 7d or PT8H")
    return duration


def _can_match(pattern: str) -> str:
    """Refuse a pattern that no entitlement fits."""
    if not any(char in pattern for char in _WILDCARDS):
        return str(_exact(pattern))
    if not any(_may_begin_and_end(loose_name(pattern), head, tail) for head, tail in _forms()):
        raise ValueError(
            "can match no entitlement; write one such as jira:project-role:PAY:*:assigned or jumpcloud:group:*:member"
        )
    return pattern


class _Statuses(Section):
    done: Words = ()
    rejected: Words = ()
    in_progress: Words = ()
    done_resolutions: Words = ()
    rejected_resolutions: Words = ()


class _Ticket(Section):
    project: ProjectKey | None = None
    issue_type: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    labels: Words = ()
    fields: dict[str, Any] = Field(default_factory=dict)
    assignees: Words = ()
    watch_requester: bool = False
    remote_link: bool = False
    instructions: Annotated[str, Field(min_length=1, max_length=4000)] | None = None
    due_days: Annotated[int, Field(ge=0, le=365)] | None = None
    statuses: _Statuses = _Statuses()
    reopen_through: Words = ()
    close_through: Words = ()
    reopen_fields: dict[str, Any] = Field(default_factory=dict)
    close_fields: dict[str, Any] = Field(default_factory=dict)

    @field_validator("labels")
    @classmethod
    def _labels_have_no_spaces(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if any(" " in label for label in labels):
            raise ValueError("has a space in a label, which Jira refuses; write it with a dash")
        return labels

    def route(self, otherwise: TicketRoute | None) -> TicketRoute | None:
        """The route, with what it leaves out taken from ``otherwise``; None when neither names a project."""
        given = {name: value for name, value in self if name in self.model_fields_set and value is not None}
        if "statuses" in given:
            given["statuses"] = StatusRules(**dict(self.statuses))
        if otherwise is not None:
            return replace(otherwise, **given)
        return TicketRoute(**given) if self.project else None


def _road(value: Any) -> Any:
    """Refuse what is no way for policy to have something done."""
    if value not in (Method.CONNECTOR, Method.TICKET, Method.DENY):
        raise ValueError("is none of the words it can be; write connector, ticket or deny")
    return value


_Road = Annotated[Method, BeforeValidator(_road)]


class _Rule(Section):
    pattern: Annotated[str, Field(min_length=1, max_length=1000)]
    give: _Road = Method.CONNECTOR
    take: _Road = Method.CONNECTOR
    max_duration: Annotated[timedelta, BeforeValidator(_with_unit)] | None = None
    give_within: Annotated[timedelta, BeforeValidator(_with_unit)] = GIVE_WITHIN
    notice_before: tuple[Annotated[timedelta, BeforeValidator(_with_unit)], ...] = ()
    required: Words = ()
    required_to_take: Words = ()
    suspended: Suspended = Suspended.REFUSE
    last_administrator: LastAdministrator = LastAdministrator.TICKET
    missing_account: MissingAccount = MissingAccount.REFUSE
    proof: AccountProof | None = None
    products: tuple[Product, ...] = ()
    ticket: _Ticket | None = None
    sources: Words = ()
    fed_by: Annotated[str, Field(max_length=1000)] | None = None
    via: Annotated[str, Field(max_length=1000)] | None = None

    @field_validator("fed_by", "via")
    @classmethod
    def _is_a_group(cls, named: str | None) -> str | None:
        if named is None:
            return None
        ref = _exact(named)
        if (ref.system, ref.kind) != (System.JUMPCLOUD, ResourceKind.GROUP):
            raise ValueError("is no group of JumpCloud; write one such as jumpcloud:group:Engineering:member")
        return str(ref)

    @model_validator(mode="after")
    def _leads_to_what_it_can(self) -> Self:
        if self.fed_by is not None and not self.pattern.startswith("jira:group:"):
            raise ValueError("has fed_by and is not about Jira groups; only those are filled from JumpCloud")
        if self.via is not None and not self.pattern.startswith("jumpcloud:application:"):
            raise ValueError("has via and is not about JumpCloud applications; only those are given through a group")
        return self

    _can_match = field_validator("pattern")(_can_match)


class _Profile(Section):
    pattern: Annotated[str, Field(min_length=1, max_length=1000)]
    profile: Profile = Profile.WATCH
    auto: bool = False
    ticket: bool = False

    _can_match = field_validator("pattern")(_can_match)


class _Owner(Section):
    pattern: Annotated[str, Field(min_length=1, max_length=1000)]
    owner: Annotated[str, Field(min_length=1, max_length=200)]

    _can_match = field_validator("pattern")(_can_match)


class _PolicyFile(Section):
    ticket: _Ticket = _Ticket()
    protected_accounts: Words = ()
    leavers: LeaverAccess = LeaverAccess.APPROVE
    manage: tuple[Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_can_match)], ...] = ()
    reconcile: tuple[_Profile, ...] = ()
    owners: tuple[_Owner, ...] = ()
    rules: tuple[_Rule, ...] = ()


def _exact(pattern: str) -> EntitlementRef:
    try:
        return EntitlementRef.parse(pattern)
    except ValueError as exc:
        raise ValueError(f"has no wildcard and is no entitlement: {str(exc).rstrip('.')}") from exc


def _forms() -> Iterator[tuple[str, str]]:
    """How every kind of entitlement begins and ends."""
    for system in System:
        for kind in system.kinds:
            yield f"{system}:{kind}:", f":{RIGHTS[kind][0]}"


def _may_begin_and_end(pattern: str, head: str, tail: str) -> bool:
    first = min(at for char in _WILDCARDS if (at := pattern.find(char)) >= 0)
    last = max(pattern.rfind(char) for char in "*?]")
    begin, end = pattern[:first], pattern[last + 1 :]
    return (head.startswith(begin) or begin.startswith(head)) and (tail.endswith(end) or end.endswith(tail))


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """The policy of a file, and one warning for each part that is odd and not wrong."""

    policy: Policy
    warnings: tuple[str, ...] = ()


def load_policy(
    path: Path, *, ticket: TicketRoute | None = None, administrator_like: Sequence[str] = ADMINISTRATOR_LIKE
) -> PolicyFile:
    """Read a policy; ``ticket`` is the route for what the file leaves out. Raises ``SettingsError`` with every error.

    ``administrator_like`` are patterns of entitlements that give an administrator's power.
    """
    content = read_mapping(path)
    try:
        file = _PolicyFile.model_validate(content)
    except ValidationError as exc:
        # Not chained: the original holds the values.
        raise SettingsError(f"{path}: {_by_rule(told, content)}" for told in error_messages(exc, _PolicyFile)) from None
    route = file.ticket.route(ticket)
    if route is None:
        raise SettingsError([f"{path}: ticket.project is not set; set it here, or ticketing.project in the settings."])
    rules = tuple(
        Rule(
            **dict(rule)
            | {
                "ticket": rule.ticket.route(route) if rule.ticket else None,
                "fed_by": EntitlementRef.parse(rule.fed_by) if rule.fed_by else None,
                "via": EntitlementRef.parse(rule.via) if rule.via else None,
            }
        )
        for rule in file.rules
    )
    policy = Policy(
        rules=rules,
        ticket=route,
        administrator_like=administrator_like,
        protected_accounts=file.protected_accounts,
        leavers=file.leavers,
        manage=file.manage,
        profiles=tuple(ProfileRule(**dict(each)) for each in file.reconcile),
        owners=tuple(OwnerRule(**dict(each)) for each in file.owners),
    )
    return PolicyFile(policy, tuple(_oddities(policy)))


_PLACE = re.compile(r"^rules\.(\d+)\.?(\S*)")


def _by_rule(told: str, content: dict[str, Any]) -> str:
    """``rules.3.max_duration is …`` becomes ``rule 3 (jira:group:*), max_duration is …``."""
    if not (place := _PLACE.match(told)):
        return told
    number, rest = int(place[1]), told[place.end() :].replace("rules.", "")
    rule = content["rules"][number - 1]
    pattern = rule.get("pattern") if isinstance(rule, dict) else None
    named = f" ({shortened(pattern)})" if isinstance(pattern, str) else ""
    return f"rule {number}{named}{', ' if place[2] else ''}{place[2]}{rest}"


def _oddities(policy: Policy) -> Iterator[str]:
    rules = policy.rules
    if not rules:
        yield "The policy has no rules, so every request is refused; write one for what is allowed."
    for number, rule in enumerate(rules, start=1):
        named = f"Rule {number} ({shortened(rule.pattern)})"
        if earlier := next((i for i, other in enumerate(rules[: number - 1], 1) if _covers(other, rule)), None):
            first = f"rule {earlier} ({shortened(rules[earlier - 1].pattern)})"
            yield f"{named} never matches, because {first} comes first; move it up."
        for name in (*rule.required, *rule.required_to_take):
            near = nearest(name, FACTS)
            if name not in FACTS and near:
                yield f"{named} requires the free field '{shortened(name)}'; if you mean {near}, write it so."
        power = next((each for each in policy.administrator_like if may_overlap(rule.pattern, each)), None)
        if power is not None and rule.proof is AccountProof.OPTIONAL and rule.give is not Method.DENY:
            yield f"{named} may give an administrator's power ({power}) to accounts that are not proven; set proof: required."


def _covers(earlier: Rule, later: Rule) -> bool:
    """Whether ``earlier`` matches everything that ``later`` matches; False where that is not certain."""
    if earlier.sources and not (later.sources and set(later.sources) <= set(earlier.sources)):
        return False
    first, second = plain_form(earlier.pattern), plain_form(later.pattern)
    if first == second:
        return True
    # With stars only, a pattern that matches another's text matches all that the other matches.
    return not any(char in first for char in "?[") and "[" not in second and fnmatchcase(second, first)
