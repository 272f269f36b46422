from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import assert_never

from access.clock import Clock, SystemClock
from access.entitlements import System
from connectors.jumpcloud.connector import JumpCloudConnector
from connectors.jumpcloud.reading import partition
from connectors.jumpcloud.reading.changes import Changes, Events, Unreadable
from connectors.jumpcloud.reading.lists import Lists
from connectors.jumpcloud.reading.method_choice import Chooser
from connectors.jumpcloud.reading.methods import MembershipMethod
from connectors.jumpcloud.reading.people import USER_FIELDS, Roles, member_row, membership_rows, user_row
from connectors.jumpcloud.reading.reporting import Reporting
from connectors.jumpcloud.reading.reports import Reports
from connectors.jumpcloud.reading.resources import (
    APPLICATION_FIELDS,
    application_grant,
    application_row,
    group_row,
)
from connectors.reading import Catalogue, Part, PrincipalKind, ReadPlan, Row
from httpclient import Fetcher, HttpClient, RetryPolicy

#: A report is looked for a few times in the call itself; longer waits go to the engine.
_REPORT_PATIENCE = RetryPolicy(tries=3, first=timedelta(seconds=1), longest=timedelta(seconds=2))


class JumpCloudReader:
    """Reads JumpCloud for a snapshot: users, administrators and their roles, groups, applications, and who is in what.

    ``client`` comes from ``jumpcloud_client``, as does ``insights``, whose address is that of Directory Insights (by default
    the client's). ``concurrency`` is the most calls in flight. ``applications`` and ``direct_app_users`` say whether
    applications, and the users bound to them without a group, are read. ``use_events``: read only what Directory Insights
    says has changed, where it may be asked. ``method``: see ``MembershipMethod``. ``report_within``: how long a report may take.
    """

    def __init__(
        self,
        client: HttpClient,
        *,
        insights: HttpClient | None = None,
        console: str | None = None,
        concurrency: int = 4,
        applications: bool = True,
        direct_app_users: bool = True,
        use_events: bool = True,
        method: MembershipMethod = MembershipMethod.AUTO,
        report_within: timedelta = timedelta(minutes=2),
        report_patience: RetryPolicy = _REPORT_PATIENCE,
        clock: Clock | None = None,
    ) -> None:
        self._console = (console or client.base_url).rstrip("/")
        self._applications = applications
        self._direct = direct_app_users
        self._use_events = use_events
        self._fetching = Fetcher(concurrency=concurrency)
        self._connector = JumpCloudConnector(client)
        self._lists = Lists(client, self._fetching)
        self._events = Events(insights or client, self._fetching)
        reports = Reports(insights or client, self._fetching)
        self._reporting = Reporting(
            reports, self._lists, clock or SystemClock(), within=report_within, retry_policy=report_patience
        )
        self._chooser = Chooser(MembershipMethod(method), client, self._fetching, self._lists, reports)

    @property
    def system(self) -> System:
        """JumpCloud."""
        return System.JUMPCLOUD

    def close(self) -> None:
        """Let go of the threads."""
        self._fetching.close()

    def prove(self) -> str:
        """The organization the credential belongs to. Raises ``CredentialRefused``."""
        return self._fetching.one(self._connector.prove)

    def plan(self, *, previous: datetime | None, now: datetime) -> ReadPlan:
        """Read what events say has changed, or everything when they do not say."""
        changes: Changes | None = None
        notes: list[str] = []
        if previous is not None and self._use_events:
            try:
                changes = self._events.since(previous, now=now)
            except Unreadable as reason:
                notes.append(f"Everything is read: {reason}.")
        elif previous is not None:
            notes.append("Everything is read: events are not used.")
        full = changes is None
        choice = self._chooser.choose(now=now, full=full, memberships=changes is None or changes.memberships)
        return ReadPlan(
            method=choice.method,
            full=full,
            touched=() if changes is None else partition.touched(changes, choice.method),
            notes=[*notes, *choice.notes],
            state=choice.state,
        )

    def parts(self, plan: ReadPlan, stage: int, catalogue: Catalogue) -> Iterable[Part] | None:
        """Lists first, then what hangs on each group and application.

        Raises ``Transient`` while a report is being made.
        """
        method = MembershipMethod(plan.method)
        if stage == 0:
            return partition.lists(method, applications=self._applications)
        if stage == 1:
            return [*self._membership_parts(plan, method, catalogue), *self._binding_parts(catalogue)]
        return None

    def read(self, plan: ReadPlan, part: Part) -> Iterator[Sequence[Row]]:
        """The rows of a part. Raises ``Shifted``, ``Incomplete`` and the failure words."""
        del plan
        kind, _, key = part.name.partition("/")
        if key:
            return self._attached(f"{kind}/", part)
        return self._listed(part)

    def _membership_parts(self, plan: ReadPlan, method: MembershipMethod, catalogue: Catalogue) -> Iterator[Part]:
        if method is MembershipMethod.SEARCH:
            return
        part = self._reporting.part(plan, catalogue) if method is MembershipMethod.REPORT else None
        if part is not None:
            yield part
            return
        self._chooser.remember(MembershipMethod.LISTING)
        yield from partition.members(catalogue)

    def _binding_parts(self, catalogue: Catalogue) -> Iterator[Part]:
        return partition.bindings(catalogue, users=self._direct) if self._applications else iter(())

    def _listed(self, part: Part) -> Iterator[Sequence[Row]]:
        match part.name:
            case partition.USERS:
                return ([user_row(user) for user in page] for page in self._lists.users(USER_FIELDS))
            case partition.USERS_AND_MEMBERSHIPS:
                return self._searched()
            case partition.ADMINS:
                return self._administrators()
            case partition.GROUPS:
                return ([group_row(group, console=self._console) for group in page] for page in self._lists.groups())
            case partition.APPLICATIONS:
                pages = self._lists.applications(APPLICATION_FIELDS)
                return ([application_row(application) for application in page] for page in pages)
            case partition.MEMBERSHIPS:
                return self._reporting.rows(part.about)
            case _:
                raise ValueError(f"JumpCloud has no part '{part.name}'.")

    def _attached(self, kind: str, part: Part) -> Iterator[Sequence[Row]]:
        group, application = part.about.get("group", ""), part.about.get("application", "")
        match kind:
            case partition.MEMBERS | partition.MEMBERS_BY_RULE:
                return ([member_row(group, user) for user in page] for page in self._lists.members(group))
            case partition.APP_GROUPS:
                return self._holders(application, PrincipalKind.GROUP)
            case partition.APP_USERS:
                return self._holders(application, PrincipalKind.ACCOUNT)
            case partition.GROUP_APPS:
                return (
                    [application_grant(one, group, through=PrincipalKind.GROUP) for one in page]
                    for page in self._lists.bound_applications(group)
                )
            case _:
                raise ValueError(f"JumpCloud has no part '{part.name}'.")

    def _holders(self, application: str, through: PrincipalKind) -> Iterator[Sequence[Row]]:
        match through:
            case PrincipalKind.GROUP:
                pages = self._lists.bound_groups(application)
            case PrincipalKind.ACCOUNT:
                pages = self._lists.bound_users(application)
            case _:
                assert_never(through)
        return ([application_grant(application, holder, through=through) for holder in page] for page in pages)

    def _searched(self) -> Iterator[Sequence[Row]]:
        for page in self._lists.search(f"{USER_FIELDS} memberof"):
            rows: list[Row] = []
            for user in page:
                rows.append(user_row(user))
                rows += membership_rows(user)
            yield rows

    def _administrators(self) -> Iterator[Sequence[Row]]:
        roles = Roles()
        for page in self._lists.roles():
            yield [roles.listed(role) for role in page]
        for page in self._lists.admins():
            yield [row for admin in page for row in roles.admin_rows(admin)]
