"""Jira groups that JumpCloud is proven to fill, by the current snapshots of both systems.

The proof is the name and the origin, never the name alone: the organization says that an identity provider fills the Jira group,
one JumpCloud group has its name, and that group is bound to a JumpCloud application for Atlassian. JumpCloud passes on the groups
that are bound to the application, by name [docs].
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, and_, func, select

from access.entitlements import EntitlementRef, System
from access.text import loose_name
from store.queries.parts import current_parts, named
from store.snapshot_tables import grants, resources

#: How the templates of JumpCloud's applications for Atlassian begin [observed: "atlassiancloud"].
_TEMPLATE = "atlassian"


@dataclass(frozen=True, slots=True)
class Filling:
    """Which JumpCloud groups are ``proven`` to fill Jira groups, by the id of these; and the ``ids`` of all by their names."""

    proven: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)

    def named(self, ref: EntitlementRef) -> str | None:
        """The id of a JumpCloud group that policy names by name or id; None when the snapshot does not show it."""
        name = ref.path[0]
        return self.ids.get(loose_name(name)) or (name if name in self.ids.values() else None)


def filling(connection: Connection) -> Filling:
    """What the current snapshots of both systems show."""
    statement = select(resources.c.id, resources.c.name).where(
        resources.c.kind == "group", resources.c.part_id.in_(current_parts(named(str(System.JUMPCLOUD))))
    )
    groups = {loose_name(row.name): row.id for row in connection.execute(statement)}
    return Filling(filled_groups(connection), groups)


def filled_groups(connection: Connection, jira_group: str | None = None) -> Mapping[str, str]:
    """The JumpCloud group that fills each Jira group, both by id; of one Jira group alone where it is named."""
    theirs, ours, application = resources.alias("theirs"), resources.alias("ours"), resources.alias("application")
    in_jira, in_jumpcloud = (current_parts(named(str(system))) for system in (System.JIRA, System.JUMPCLOUD))
    bound = and_(
        grants.c.kind == "application",
        grants.c.principal_kind == "group",
        grants.c.principal == ours.c.id,
        grants.c.part_id.in_(in_jumpcloud),
    )
    is_application = and_(
        application.c.kind == "application",
        application.c.id == grants.c.resource,
        application.c.part_id.in_(in_jumpcloud),
    )
    found = (
        select(
            theirs.c.id.label("jira"),
            theirs.c.attributes.label("owner"),
            ours.c.id.label("jumpcloud"),
            application.c.attributes.label("application"),
        )
        .select_from(theirs)
        .join(ours, func.lower(ours.c.name) == func.lower(theirs.c.name))
        .join(grants, bound)
        .join(application, is_application)
        .where(theirs.c.kind == "group", theirs.c.part_id.in_(in_jira))
        .where(ours.c.kind == "group", ours.c.part_id.in_(in_jumpcloud))
    )
    if jira_group is not None:
        found = found.where(theirs.c.id == jira_group)
    fillers: dict[str, set[str]] = defaultdict(set)
    for row in connection.execute(found).mappings():
        if _is_external(row["owner"] or {}) and _is_atlassian(row["application"] or {}):
            fillers[row["jira"]].add(row["jumpcloud"])
    return {group: next(iter(one)) for group, one in fillers.items() if len(one) == 1}


def _is_external(attributes: Mapping[str, object]) -> bool:
    """Whether the organization says that an identity provider fills the group."""
    return bool(attributes.get("external_synced")) or attributes.get("managed_by") == "external"


def _is_atlassian(attributes: Mapping[str, object]) -> bool:
    return str(attributes.get("template", "")).lower().startswith(_TEMPLATE)
