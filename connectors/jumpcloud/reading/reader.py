from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from access.clock import Clock, SystemClock
from access.entitlements import System
from connectors.jumpcloud.connector import JumpCloudConnector
from connectors.jumpcloud.reading import parts
from connectors.jumpcloud.reading.change_events import ChangeEvents, Changes
from connectors.jumpcloud.reading.list_calls import ListCalls
from connectors.jumpcloud.reading.memberships_by_report import MembershipsByReport
from connectors.jumpcloud.reading.method_choice import MembershipMethod, MethodChooser
from connectors.jumpcloud.reading.report_client import ReportClient
from connectors.jumpcloud.reading.snapshot_rows import (
    APPLICATION_FIELDS,
    USER_FIELDS,
    Roles,
    application_grant,
    application_row,
    group_row,
    member_row,
    membership_rows,
    user_row,
)
from connectors.reading import Catalogue, ChangesUnknown, Part, PrincipalKind, ReadPlan, Row
from httpclient import Fetcher, HttpClient, RetryPolicy

#: The reader bridges short waits for a report; longer waits go to the engine.
_REPORT_RETRIES = RetryPolicy(tries=3, first=timedelta(seconds=1), longest=timedelta(seconds=2))


class JumpCloudReader:
    """Reads JumpCloud for a snapshot: users, administrators and their roles, groups, applications, and their connections.

    ``client`` comes from ``jumpcloud_client``, as does ``insights`` with the address of Directory Insights (by default the
    client's). At most ``concurrency`` calls are in flight. With ``use_events`` the reader reads only what Directory Insights
    names as changed, where it may. ``method`` is how to read memberships; ``report_retries`` bridges short waits for a report.
    """

    def __init__(
        self,
        client: HttpClient,
        *,
        insights: HttpClient | None = None,
        concurrency: int = 4,
        use_events: bool = True,
        method: MembershipMethod = MembershipMethod.AUTO,
        report_retries: RetryPolicy = _REPORT_RETRIES,
        clock: Clock | None = None,
    ) -> None:
        self._console = client.base_url
        self._use_events = use_events
        self._fetching = Fetcher(concurrency=concurrency)
        self._connector = JumpCloudConnector(client)
        self._lists = ListCalls(client, self._fetching)
        self._events = ChangeEvents(insights or client, self._fetching)
        reports = ReportClient(insights or client, self._fetching)
        self._by_report = MembershipsByReport(reports, self._lists, clock or SystemClock(), report_retries)
        self._chooser = MethodChooser(method, client, self._fetching, self._lists, reports)

    @property
    def system(self) -> System:
        """JumpCloud."""
        return System.JUMPCLOUD

    def close(self) -> None:
        """End the threads."""
        self._fetching.close()

    def prove(self) -> str:
        """The name of the credential's organization. Raises ``CredentialRefused``."""
        return self._fetching.one(self._connector.prove)

    def plan(self, *, previous: datetime | None, now: datetime) -> ReadPlan:
        """A plan for the changes that events tell, or for everything when they do not tell."""
        changes: Changes | None = None
        notes: list[str] = []
        if previous is not None and self._use_events:
            try:
                changes = self._events.since(previous, now=now)
            except ChangesUnknown as reason:
                notes.append(f"Everything is read: {reason}.")
        elif previous is not None:
            notes.append("Everything is read: events are not used.")
        full = changes is None
        choice = self._chooser.choose(now=now, full=full, memberships=changes is None or changes.memberships)
        return ReadPlan(
            method=choice.method,
            full=full,
            touched=() if changes is None else parts.touched(changes, choice.method),
            notes=[*notes, *choice.notes],
            state=choice.state,
        )

    def parts(self, plan: ReadPlan, stage: int, catalogue: Catalogue) -> Iterable[Part] | None:
        """Lists first, then what hangs on each group and application.

        Raises ``Transient`` until JumpCloud has made a report.
        """
        method = MembershipMethod(plan.method)
        if stage == 0:
            return parts.lists(method)
        if stage == 1:
            return [*self._membership_parts(plan, method, catalogue), *parts.bindings(catalogue)]
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
        part = self._by_report.part(plan, catalogue) if method is MembershipMethod.REPORT else None
        if part is not None:
            yield part
            return
        self._chooser.remember(MembershipMethod.LISTING)
        yield from parts.members(catalogue)

    def _listed(self, part: Part) -> Iterator[Sequence[Row]]:
        match part.name:
            case parts.USERS:
                return ([user_row(user) for user in page] for page in self._lists.users(USER_FIELDS))
            case parts.USERS_AND_MEMBERSHIPS:
                return self._searched()
            case parts.ADMINS:
                return self._administrators()
            case parts.GROUPS:
                return ([group_row(group, console=self._console) for group in page] for page in self._lists.groups())
            case parts.APPLICATIONS:
                pages = self._lists.applications(APPLICATION_FIELDS)
                return ([application_row(application) for application in page] for page in pages)
            case parts.MEMBERSHIPS:
                return self._by_report.rows(part.about)
            case _:
                raise ValueError(f"JumpCloud has no part '{part.name}'.")

    def _attached(self, kind: str, part: Part) -> Iterator[Sequence[Row]]:
        group, application = part.about.get("group", ""), part.about.get("application", "")
        match kind:
            case parts.MEMBERS | parts.MEMBERS_BY_RULE:
                return ([member_row(group, user) for user in page] for page in self._lists.members(group))
            case parts.APP_GROUPS:
                pages = self._lists.bound_groups(application)
                return ([application_grant(application, one, PrincipalKind.GROUP) for one in page] for page in pages)
            case parts.APP_USERS:
                pages = self._lists.bound_users(application)
                return ([application_grant(application, one, PrincipalKind.ACCOUNT) for one in page] for page in pages)
            case parts.GROUP_APPS:
                pages = self._lists.bound_applications(group)
                return ([application_grant(one, group, PrincipalKind.GROUP) for one in page] for page in pages)
            case _:
                raise ValueError(f"JumpCloud has no part '{part.name}'.")

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
