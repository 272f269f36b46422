"""The words of tickets and comments, from templates that an operator may replace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from access.failures import Permanent
from ticketing.adf import plain_text, to_adf
from ticketing.escaping import Markdown, Rendered, code, duration, escaped, iso, link, moment, quotation
from ticketing.facts import Holding, TicketFacts

#: Characters a rendered template may have; twice what Jira takes, which then says that it was shortened.
LONGEST = 65_536
LONGEST_TITLE = 254

_OURS = Path(__file__).with_name("templates")


class TicketKind(StrEnum):
    """A ticket we open; each has the template ``<value>.md.j2``, whose first line is a heading that becomes the title."""

    #: A person gives access.
    GIVE = "give"
    #: A person takes access away.
    TAKE = "take"
    #: A person takes an account out of a system.
    DEPROVISION = "deprovision"
    #: A person creates an account.
    CREATE_ACCOUNT = "create-account"
    #: A person makes an account that exists usable again.
    REACTIVATE_ACCOUNT = "reactivate-account"


class CommentKind(StrEnum):
    """Something we say on a ticket; each has the template ``<value>.md.j2``."""

    #: It was closed, and the system does not show it.
    STILL_WRONG = "still-wrong"
    #: It was closed, and the system shows it.
    VERIFIED = "verified"
    #: It is no longer needed.
    WITHDRAWN = "withdrawn"
    #: It was tried as often as it may be, and somebody else looks at it now.
    ESCALATED = "escalated"
    #: Another ticket asks for the same.
    DUPLICATE = "duplicate"
    #: It was declined: that is the end of the request, or of asking for the removal.
    DECLINED = "declined"
    #: It was reopened, and its resolution is still set.
    RESOLUTION_KEPT = "resolution-kept"
    #: It had come to its end, and people went on with it.
    OVER = "over"
    #: The request that it is for was changed.
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of a ticket: a title of one line of plain text, and a body in Markdown."""

    title: str
    body: str


class Templates:
    """Renders the words of tickets and comments; templates of ``directory`` stand before ours of the same name.

    Values are escaped unless they went through one of the filters ``code``, ``duration``, ``quotation``, ``link``, ``moment``.
    """

    def __init__(self, directory: Path | None = None) -> None:
        directories = [_OURS] if directory is None else [directory, _OURS]
        loaders: list[BaseLoader] = [FileSystemLoader(each) for each in directories]
        self._environment = ImmutableSandboxedEnvironment(
            loader=ChoiceLoader(loaders),
            undefined=StrictUndefined,
            finalize=escaped,
            autoescape=False,  # that is for HTML; `finalize` escapes for Markdown
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            code=code, duration=duration, iso=iso, quotation=quotation, link=link, moment=moment
        )
        self._values = self._environment.overlay(finalize=lambda value: "" if value is None else escaped(value))

    def ticket(self, kind: TicketKind, facts: TicketFacts) -> Wording:
        """The words of a ticket. Raises ``Permanent`` when the template is at fault, and says which."""
        first, _, body = self._render(kind, facts).lstrip().partition("\n")
        if not first.startswith("# "):
            _at_fault(kind, "does not begin with a heading")
        title = plain_text(to_adf(first))
        if not title or not body.strip():
            _at_fault(kind, "has no title or no body")
        return Wording(
            title=title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1].rstrip() + "…", body=body.strip()
        )

    def comment(self, kind: CommentKind, facts: TicketFacts) -> str:
        """The Markdown of a comment. Raises ``Permanent`` when the template is at fault, and says which."""
        return self._render(kind, facts).strip() or _at_fault(kind, "is empty")

    def fields(self, fields: Mapping[str, Any], facts: TicketFacts) -> Mapping[str, Any]:
        """The values of fields, of which texts may be templates too; one that renders to nothing is left out.

        Raises ``Permanent`` when a template is at fault, and names the field.
        """
        rendered = {name: self._value(name, value, facts) for name, value in fields.items()}
        return {name: value for name, value in rendered.items() if value is not None}

    def _value(self, name: str, value: Any, facts: TicketFacts) -> Any:
        if isinstance(value, Mapping):
            return {key: self._value(name, each, facts) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [each for each in (self._value(name, one, facts) for one in value) if each is not None]
        if not is_template(value):
            return value
        try:
            text = _bounded(self._values.from_string(value).generate(facts=facts)).strip()
        except _FAULTS as exc:
            what = f"The template of the field {name} cannot be rendered ({type(exc).__name__}: {exc})."
            raise Permanent(what, remedy="Correct it in the ticket settings of the policy.") from exc
        return Rendered(plain_text(to_adf(text)), text) if text else None

    def example(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values of fields as they would be for an example. Raises as ``fields`` does."""
        return self.fields(fields, _FULL)

    def prove(self) -> Iterator[str]:
        """What is wrong with the templates, found by rendering each: with all facts known, and with few."""
        for facts in (_FULL, _BARE):
            for kind in (*TicketKind, *CommentKind):
                try:
                    _ = self.ticket(kind, facts) if isinstance(kind, TicketKind) else self.comment(kind, facts)
                except Permanent as failure:
                    yield str(failure)

    def _render(self, kind: TicketKind | CommentKind, facts: TicketFacts) -> str:
        try:
            return _bounded(self._environment.get_template(f"{kind}.md.j2").generate(facts=facts))
        except _FAULTS as exc:
            raise _fault(kind, f"cannot be rendered ({type(exc).__name__}: {exc})") from exc


#: What a template that is at fault raises.
_FAULTS = (TemplateError, ArithmeticError, LookupError, TypeError, ValueError)


def is_template(value: Any) -> bool:
    """Whether the value of a field is a template."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _bounded(parts: Iterator[str]) -> str:
    """The text of a template, no longer than ``LONGEST``, however much it would render."""
    taken: list[str] = []
    length = 0
    for part in parts:
        taken.append(part)
        length += len(part)
        if length > LONGEST:
            break
    return "".join(taken)[:LONGEST]


def _fault(kind: TicketKind | CommentKind, what: str) -> Permanent:
    return Permanent(
        f"The ticket template {kind}.md.j2 {what}.",
        remedy="Correct it in the template directory of the settings, or take it out to use the one that comes with Provisor.",
    )


def _at_fault(kind: TicketKind | CommentKind, what: str) -> NoReturn:
    raise _fault(kind, what)


_BARE = TicketFacts(request_id="r", operation_id="o", action="Give access", subject="ada@example.com", system="Jira")
_FULL = TicketFacts(
    request_id="r",
    operation_id="o",
    action="Give access",
    subject="ada@example.com",
    system="Jira",
    account_title="Ada",
    account_id="1",
    account_email="ada@example.com",
    entitlement_title="Administrators of PAY",
    entitlement="jira:project-role:PAY:Administrators:assigned",
    resource="PAY / Administrators",
    right="assigned",
    instructions=Markdown("Ask *the owner* first."),
    state_now="Ada is not in the role",
    link="https://acme.atlassian.net",
    reason="because",
    requested_by="Bob",
    approved_by="Eve",
    ends_at=datetime(2026, 1, 1, tzinfo=UTC),
    lasts=timedelta(hours=1),
    why_by_person="the API cannot",
    checks=("the account is in the role",),
    holdings=(Holding("group", "admins"), Holding("project role", "Users of PAY")),
    stays_behind=("issues it wrote",),
    still_wrong=("the account is not in the role",),
    closed_by="Carol",
    end="It was declined.",
    change="The access now lasts until 2026-01-02.",
    attempt=2,
    due=date(2026, 1, 1),
    extra={"Cost centre": "1"},
)
