"""The access request as it arrives: one JSON message, versioned, unknown fields refused.

The JSON Schema in ``docs/schemas/`` is generated from this model, so that a producer in any language can check itself.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from access import email_address
from access.accounts import Subject
from access.durations import ISO_PATTERN, LONGEST, iso
from access.entitlements import EntitlementRef, ResourceKind, System
from access.methods import Direction
from access.products import Product

#: The version this model speaks; a message may leave it out.
SCHEMA_NAME = "provisor.access-request/1"

Line = Annotated[str, Field(min_length=1, max_length=500)]

#: Bytes of an entitlement and of an address. They are keys together, and PostgreSQL takes no key of more than 2704 bytes.
_LONGEST_ENTITLEMENT, _LONGEST_ADDRESS = 1000, 254

#: After it the longest duration would leave the calendar.
_LATEST_START = datetime.max.replace(tzinfo=UTC) - LONGEST

#: Characters of an id that a producer may use.
LONGEST_ID = 128

#: How ids of requests end that Provisor makes beside another: for the group that fills its thing, and for the end of that.
CHILD, CHILD_END = ".fed", ".fed.end"

#: The shortest access for a time.
SHORTEST = timedelta(seconds=1)

#: RFC 3339, with the seconds and the offset it requires.
MOMENT_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$"


#: A Jira issue key, such as PAY-7.
ISSUE_PATTERN = r"^[A-Z][A-Z0-9_]*-[0-9]+$"


def _iso_or_seconds(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, str) and not re.fullmatch(ISO_PATTERN, value)):
        raise ValueError("write an ISO 8601 duration such as PT8H or P30D, or a number of seconds")
    return value


def _within_bounds(duration: timedelta) -> timedelta:
    if not SHORTEST <= duration <= LONGEST:
        raise ValueError(f"a duration is from 1 second to {LONGEST.days} days")
    return duration


def _rfc_3339(value: Any) -> Any:
    if not isinstance(value, datetime) and not (isinstance(value, str) and re.fullmatch(MOMENT_PATTERN, value)):
        raise ValueError("write a moment with its offset, such as 2026-01-31T12:00:00Z")
    return value


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("write a moment within the calendar, such as 2026-01-31T12:00:00Z") from None


#: ISO 8601 text or seconds as it arrives, the ISO text as it is kept.
WireDuration = Annotated[
    timedelta,
    BeforeValidator(_iso_or_seconds),
    AfterValidator(_within_bounds),
    PlainSerializer(iso, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "duration", "pattern": ISO_PATTERN},
                {"type": "number", "minimum": SHORTEST.total_seconds(), "maximum": LONGEST.total_seconds()},
            ]
        }
    ),
]
#: RFC 3339 as it arrives, in UTC as it is kept.
WireMoment = Annotated[
    AwareDatetime,
    BeforeValidator(_rfc_3339),
    AfterValidator(_in_utc),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": MOMENT_PATTERN}),
]


class Action(StrEnum):
    """What a request asks for."""

    GRANT = "grant"
    EXTEND = "extend"
    REVOKE = "revoke"
    CREATE_ACCOUNT = "create_account"
    DEPROVISION_ACCOUNT = "deprovision_account"

    @property
    def direction(self) -> Direction:
        """Which way it moves access. What extends access gives more of it, under the rules for giving."""
        return Direction.TAKE if self in (Action.REVOKE, Action.DEPROVISION_ACCOUNT) else Direction.GIVE

    @property
    def goes_first(self) -> bool:
        """Whether it is served with removals: an extension too late is a removal that nobody wanted."""
        return self.direction is Direction.TAKE or self is Action.EXTEND


class SubjectMessage(BaseModel):
    """Whom the request is for: at least one of the three."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    email: Annotated[str, Field(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")] | None = None
    username: Line | None = None
    id: Annotated[str, Field(min_length=1, max_length=128, description="The system's own account id")] | None = None

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if not (self.email or self.username or self.id):
            raise ValueError("name the subject by email, username or id")
        return self


class AccessRequest(BaseModel):
    """One access request, approved elsewhere, to be fulfilled here."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        title="Provisor access request",
        json_schema_extra={"$id": "urn:provisor:access-request:1"},
    )

    schema_: Annotated[Literal["provisor.access-request/1"], Field(alias="schema")] = "provisor.access-request/1"
    id: Annotated[
        str,
        Field(
            min_length=1,
            max_length=LONGEST_ID,
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$",
            description="The producer's own id of the request; the same id again is answered from the record",
        ),
    ]
    action: Action
    subject: SubjectMessage
    entitlement: Annotated[
        str | None,
        Field(
            max_length=1000,
            description="system:kind:part[:part]:right, by id or by name, such as jira:project-role:PAY:Developers:assigned. "
            "A colon within a part is written %3A. Left out for account actions",
        ),
    ] = None
    system: Annotated[System | None, Field(description="For account actions: the system of the account")] = None
    products: Annotated[
        tuple[Product, ...],
        Field(description="Jira products of an account to be made; policy has a default"),
    ] = ()
    duration: Annotated[
        WireDuration | None,
        Field(
            description="ISO 8601 duration or seconds; the clock starts when the access was seen. Left out: standing"
        ),
    ] = None
    starts_at: Annotated[
        WireMoment | None,
        Field(
            description="For grant: not before this moment. Policy is asked when the request comes in, and again then"
        ),
    ] = None
    ends_at: Annotated[
        WireMoment | None,
        Field(description="For grant and extend, in place of duration: the access ends then, whenever it began"),
    ] = None
    until_issue: Annotated[
        str | None,
        Field(
            max_length=255,
            pattern=ISSUE_PATTERN,
            description="For grant and extend: the access ends when this Jira issue is closed, and by duration or ends_at at "
            "the latest",
        ),
    ] = None
    claim_of: Annotated[
        str | None,
        Field(
            max_length=LONGEST_ID,
            description="For revoke: end only the claim that this earlier request made, however it was extended. "
            "For extend: the claim to be extended",
        ),
    ] = None
    reason: Annotated[str, Field(max_length=5000)] = ""
    requested_by: Line | None = None
    approved_by: Line | None = None
    requested_at: WireMoment | None = None
    fields: Annotated[
        dict[Annotated[str, Field(max_length=100)], Annotated[str, Field(max_length=2000)]],
        Field(description="More facts that policy may require and tickets show", max_length=50),
    ] = {}

    @field_validator("entitlement")
    @classmethod
    def _entitlement_is_written_right(cls, text: str | None) -> str | None:
        return None if text is None else str(EntitlementRef.parse(text))

    @model_validator(mode="after")
    def _fits_its_action(self) -> Self:
        account_action = self.action in (Action.CREATE_ACCOUNT, Action.DEPROVISION_ACCOUNT)
        if account_action and (self.system is None or self.entitlement is not None):
            raise ValueError(f"{self.action} needs a system, and no entitlement")
        if not account_action and self.entitlement is None:
            raise ValueError(f"{self.action} needs an entitlement")
        if not account_action and self.system is not None:
            raise ValueError(f"{self.action} has its system in the entitlement; leave system out")
        if self.action is Action.CREATE_ACCOUNT and not self.subject.email:
            raise ValueError("create_account needs the subject's email")
        if self.action.direction is Direction.TAKE and self.duration is not None:
            raise ValueError(f"{self.action} takes no duration")
        if self.claim_of is not None and self.action not in (Action.REVOKE, Action.EXTEND):
            raise ValueError("only revoke and extend can name claim_of")
        return self

    @model_validator(mode="after")
    def _times_fit(self) -> Self:
        timed = self.action in (Action.GRANT, Action.EXTEND)
        for name in ("ends_at", "until_issue") if not timed else ():
            if getattr(self, name) is not None:
                raise ValueError(f"{self.action} takes no {name}")
        if self.starts_at is not None and self.action is not Action.GRANT:
            raise ValueError(f"{self.action} takes no starts_at")
        if self.duration is not None and self.ends_at is not None:
            raise ValueError("name duration or ends_at, and not both")
        if self.action is Action.EXTEND and not self.is_timed:
            raise ValueError("extend needs a duration, or ends_at")
        if self.until_issue is not None and not self.is_timed:
            raise ValueError("until_issue needs a duration, or ends_at, by which the access ends at the latest")
        if self.starts_at is not None and self.ends_at is not None and self.ends_at <= self.starts_at:
            raise ValueError("ends_at is not after starts_at")
        return self

    @property
    def is_timed(self) -> bool:
        """Whether the access asked for has an end."""
        return self.duration is not None or self.ends_at is not None

    @property
    def entitlement_ref(self) -> EntitlementRef:
        """The entitlement asked for, as it was named."""
        if self.entitlement is not None:
            return EntitlementRef.parse(self.entitlement)
        assert self.system is not None
        return EntitlementRef(system=self.system, kind=ResourceKind.ACCOUNT, path=())

    @property
    def who(self) -> Subject:
        """The subject as the connectors take it, with the address in lower case."""
        email = email_address.lower_case(self.subject.email) if self.subject.email else None
        return Subject(email=email, username=self.subject.username, id=self.subject.id)

    def canonical(self) -> dict[str, Any]:
        """The request as plain JSON with a stable form: what is stored, and what two messages are compared by."""
        body = self.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {"schema": SCHEMA_NAME}
        if self.subject.email:
            body["subject"]["email"] = email_address.lower_case(self.subject.email)
        if self.products:
            body["products"] = sorted(set(self.products))
        return body

    def fingerprint(self) -> str:
        """A digest of the canonical form: the same request again has the same one, however it was spelled."""
        text = json.dumps(self.canonical(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def beyond_limits(request: AccessRequest) -> Iterator[str]:
    """What a producer may not send, although it has the form of a request: a sentence for each."""
    if request.id.endswith((CHILD, CHILD_END)):
        yield f"id: Provisor itself makes ids that end with {CHILD} or {CHILD_END}; use another one."
    limits = (
        ("entitlement", request.entitlement, _LONGEST_ENTITLEMENT),
        ("email", request.who.email, _LONGEST_ADDRESS),
    )
    for name, text, most in limits:
        if len((text or "").encode()) > most:
            yield f"{name}: it has more than {most} bytes in UTF-8."
    if request.starts_at is not None and request.starts_at > _LATEST_START:
        yield f"starts_at: name a moment before the year {_LATEST_START.year}."


class StoredRequest(AccessRequest):
    """A request as it is kept, which Provisor itself may have made beside another: ids of such are longer than a producer's."""

    id: Annotated[str, Field(max_length=LONGEST_ID + len(CHILD_END))]
    claim_of: Annotated[str, Field(max_length=LONGEST_ID + len(CHILD_END))] | None = None


def present_fields(request: AccessRequest) -> frozenset[str]:
    """The names of all facts the request carries, for policies that require some. A fixed end counts as a duration."""
    named = {name for name in FACTS if str(getattr(request, name) or "").strip()}
    named |= {"duration"} if request.ends_at is not None else set()
    return frozenset(named | {name for name, value in request.fields.items() if value.strip() and name not in FACTS})


#: Facts with a place of their own in the message: a free field of the same name does not stand in for them.
FACTS = frozenset(
    {"reason", "requested_by", "approved_by", "requested_at", "duration", "starts_at", "ends_at", "until_issue"}
)
