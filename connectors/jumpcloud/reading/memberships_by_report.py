"""Reads memberships from the report: waits for it, compares it with one group's list, and lists groups when they differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from access.clock import Clock
from access.entitlements import ResourceKind
from access.failures import Permanent, Transient
from connectors.jumpcloud.client import PAGE
from connectors.jumpcloud.reading import parts
from connectors.jumpcloud.reading.list_calls import ListCalls
from connectors.jumpcloud.reading.report_client import Artifact, ReportClient, ReportUnusable
from connectors.jumpcloud.reading.report_table import ReportSummary, members_of, memberships, summary
from connectors.jumpcloud.reading.snapshot_rows import member_row, required_id
from connectors.reading import Catalogue, GrantRow, Part, ReadPlan, Shifted
from httpclient import RetryPolicy, read_with_retries

_log = structlog.get_logger(__name__)

#: When to ask again for an unfinished report, as JumpCloud's own client does [observed].
_LOOK_AGAIN = timedelta(seconds=10)

#: How long JumpCloud may take from the order to the finished report.
_LONGEST = timedelta(minutes=2)

#: Rows of one page of the part.
_BATCH = 1000


class MembershipsByReport:
    """Reads memberships from the report. ``retry_policy`` bridges short waits for it."""

    def __init__(self, reports: ReportClient, lists: ListCalls, clock: Clock, retry_policy: RetryPolicy) -> None:
        self._reports = reports
        self._lists = lists
        self._clock = clock
        self._retry_policy = retry_policy
        self._kept: tuple[str, Any] | None = None

    def part(self, plan: ReadPlan, catalogue: Catalogue) -> Part | None:
        """The part with all memberships; None when the reader must list groups instead, with the reason in the log.

        Raises ``Transient`` until JumpCloud has made the report.
        """
        report = plan.state.get("report")
        if report is None:
            return Part(parts.MEMBERSHIPS, large=True)  # the run keeps the part of the last snapshot
        try:
            artifact = self._wait(str(report), datetime.fromisoformat(str(plan.state["ordered_at"])))
            content = self._reports.content(artifact)
            missing = self._checked(content, catalogue)
        except (ReportUnusable, Permanent) as reason:
            _log.warning("sync.report_unusable", why=str(reason))
            return None
        # Another worker that reads the part fetches the report again.
        self._kept = (artifact.id, content)
        about = {"report": artifact.report, "artifact": artifact.id, "also": " ".join(missing)}
        return Part(parts.MEMBERSHIPS, about, large=True)

    def rows(self, about: Mapping[str, str]) -> Iterator[Sequence[GrantRow]]:
        """The memberships of the report and the lists of newer groups; without a report, the lists of all groups."""
        if "artifact" not in about:
            yield from self._listed(required_id(group, "group") for page in self._lists.groups() for group in page)
            return
        yield from self._reported(self._content(Artifact(about["report"], about["artifact"])))
        yield from self._listed(about.get("also", "").split())

    def _wait(self, report: str, ordered_at: datetime) -> Artifact:
        def made() -> Artifact:
            artifact = self._reports.made(report)
            if artifact is None:
                raise Transient("JumpCloud is still making the report of memberships.")
            return artifact

        try:
            return read_with_retries(made, self._retry_policy)
        except Transient as failure:
            if failure.retry_after is not None:
                raise  # with the wait of the service or of the rate budget
            if self._clock.now() - ordered_at > _LONGEST:
                raise ReportUnusable("JumpCloud did not make the report in time") from failure
            failure.retry_after = _LOOK_AGAIN
            raise

    def _checked(self, content: Any, catalogue: Catalogue) -> list[str]:
        """The groups that the report does not know: those made since, and a few more at most."""
        found = summary(content)
        missing = [group.id for group in catalogue.resources(ResourceKind.GROUP) if group.id not in found.groups]
        if len(missing) > max(1, len(found.groups) // 10):
            raise ReportUnusable("the report does not know every group")
        self._compare(content, found)
        return missing

    def _compare(self, content: Any, found: ReportSummary) -> None:
        """Compare one group of the report with its own list: the largest that fits into one page."""
        short = [(size, group) for group, size in found.members.items() if size <= PAGE]
        if not short:
            return
        group = max(short)[1]
        try:
            members = {member for page in self._lists.members(group) for member in page}
        except Shifted as exc:
            raise ReportUnusable("a group changed during its comparison with the report") from exc
        if members != members_of(content, group):
            raise ReportUnusable("the report disagrees with a group's members")

    def _content(self, artifact: Artifact) -> Any:
        kept, self._kept = self._kept, None
        return kept[1] if kept is not None and kept[0] == artifact.id else self._reports.content(artifact)

    def _reported(self, content: Any) -> Iterator[Sequence[GrantRow]]:
        seen: set[tuple[str, str]] = set()
        batch: list[GrantRow] = []
        for user, group in memberships(content):
            if user is None or (user, group) in seen:
                continue
            seen.add((user, group))
            batch.append(member_row(group, user))
            if len(batch) == _BATCH:
                yield batch
                batch = []
        yield batch

    def _listed(self, groups: Iterable[str]) -> Iterator[Sequence[GrantRow]]:
        for group in groups:
            for members in self._lists.members(group):
                yield [member_row(group, member) for member in members]
