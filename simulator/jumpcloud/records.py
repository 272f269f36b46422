"""What the world is made of. Records are replaced, never changed, so that the old state can still be shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["STAGED", "ACTIVATED", "SUSPENDED"]
MembershipMethod = Literal["NOTSET", "STATIC", "DYNAMIC_REVIEW_REQUIRED", "DYNAMIC_AUTOMATED"]
GroupKind = Literal["user_group", "system_group", "policy_group"]

NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class User:
    """A system user; `details` holds what differs from a plain user, by the name on the wire."""

    id: str
    username: str
    email: str
    created: int
    """Ms since 1970."""
    firstname: str = ""
    lastname: str = ""
    department: str = ""
    state: State = "ACTIVATED"
    details: Mapping[str, Any] = field(default_factory=lambda: NOTHING)

    @property
    def suspended(self) -> bool:
        """Return the older form of `state`."""
        return self.state == "SUSPENDED"


@dataclass(frozen=True, slots=True)
class Admin:
    """An administrator; not a system user, though often of the same e-mail address."""

    id: str
    email: str
    created: int
    firstname: str = ""
    lastname: str = ""
    role: str = "Administrator"
    """The name of the role."""
    suspended: bool = False
    api_key_allowed: bool = True
    multi_tenant: bool = False
    details: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Role:
    """A role of administrators, and what its API keys may do."""

    id: str
    name: str
    description: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """The API key of one administrator; seconds since 1970."""

    key: str
    admin_id: str
    created: float
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A client of the OAuth token endpoint."""

    client_id: str
    secrets: tuple[str, ...]
    role: str
    name: str = "service account"
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """A group; `member_query` is the rule of a dynamic one, in the form it has on the wire."""

    id: str
    name: str
    description: str = ""
    email: str = ""
    kind: GroupKind = "user_group"
    membership_method: MembershipMethod = "STATIC"
    member_query: Mapping[str, Any] | None = None
    exemptions: tuple[str, ...] = ()
    """Users that the rule leaves alone."""
    notify: bool = False
    attributes: Mapping[str, Any] | None = None
    mastered_by: str = ""
    """Id of the other directory that has the say about the members."""

    @property
    def dynamic(self) -> bool:
        """Return whether a rule has a say in who is a member."""
        return self.membership_method.startswith("DYNAMIC")


@dataclass(frozen=True, slots=True)
class Application:
    """An SSO application."""

    id: str
    name: str
    display_label: str
    created: int
    display_name: str = ""
    sso_url: str = ""
    active: bool = True
    details: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory that users are taken from or given to."""

    id: str
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change, as the event log names him."""

    id: str
    type: str
    email: str
    auth_method: str = "session"
    client_ip: str = "127.0.0.1"


CONSOLE = Actor(id="0" * 24, type="admin", email="console@example.com")
"""The one who acts through the console when nobody in particular is meant."""
ACCESS_REQUEST = "access-request"
"""How JumpCloud's own Access Requests make a change."""
SERVICE = Actor(id="", type="system", email="", auth_method="")
"""The service itself, when a rule or the time changes something."""


@dataclass(slots=True)
class Report:
    """One report that was ordered; `rows` are there once it is done."""

    id: str
    type: str
    ordered_at: float
    done_at: float
    requester: Actor
    rows: list[dict[str, Any]] | None = None
    status: str = "PENDING"
