"""Memberships by report: waited for, compared with a group's own list, and listed after all where it cannot be believed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from access.clock import Clock
from access.entitlements import ResourceKind
from access.failures import Permanent, Transient
from connectors.jumpcloud.client import PAGE
from connectors.jumpcloud.reading import partition
from connectors.jumpcloud.reading.lists import Lists
from connectors.jumpcloud.reading.people import known_id, member_row
from connectors.jumpcloud.reading.reports import Artifact, Reports, Summary, Unusable, members_of, memberships, summary
from connectors.reading import Catalogue, GrantRow, Part, ReadPlan, Shifted
from httpclient import RetryPolicy, read_with_retries

_log = structlog.get_logger(__name__)

#: When to look again for a report that is not done [observed: JumpCloud's own client].
_LOOK_AGAIN = timedelta(seconds=10)

#: Rows handed on at once.
_BATCH = 1000


class Reporting:
    """``within`` is how long a report may take from its order; ``retry_policy`` bridges the short ones."""

    def __init__(
        self, reports: Reports, lists: Lists, clock: Clock, *, within: timedelta, retry_policy: RetryPolicy
    ) -> None:
        self._reports = reports
        self._lists = lists
        self._clock = clock
        self._within = within
        self._patience = retry_policy
        self._kept: tuple[str, Any] | None = None

    def part(self, plan: ReadPlan, catalogue: Catalogue) -> Part | None:
        """The part with all memberships; None when they must be listed, for a reason that goes to the log.

        Raises ``Transient`` while the report is being made.
        """
        report = plan.state.get("report")
        if report is None:
            return Part(partition.MEMBERSHIPS, large=True)  # it is kept from the last snapshot
        try:
            artifact = self._wait(str(report), datetime.fromisoformat(str(plan.state["ordered_at"])))
            content = self._reports.content(artifact)
            missing = self._checked(content, catalogue)
        except Unusable as reason:
            _log.warning("sync.report_unusable", why=str(reason))
            return None
        except Permanent as refusal:
            _log.warning("sync.report_unusable", why=str(refusal))
            return None
        # Fetched a second time only when another worker reads it.
        self._kept = (artifact.id, content)
        about = {"report": artifact.report, "artifact": artifact.id, "also": " ".join(missing)}
        return Part(partition.MEMBERSHIPS, about, large=True)

    def rows(self, about: Mapping[str, str]) -> Iterator[Sequence[GrantRow]]:
        """The memberships of the report, and those of groups made since; all of them listed when there is no report."""
        if "artifact" not in about:
            yield from self._listed(known_id(group, "group") for page in self._lists.groups() for group in page)
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
            return read_with_retries(made, self._patience)
        except Transient as failure:
            if failure.retry_after is not None:
                raise  # the service, or the rate budget, has named its own wait
            if self._clock.now() - ordered_at > self._within:
                raise Unusable("the report was not made in time") from failure
            raise Transient(
                failure.what, retry_after=_LOOK_AGAIN, status=failure.status, trace_id=failure.trace_id
            ) from failure

    def _checked(self, content: Any, catalogue: Catalogue) -> list[str]:
        """The groups that the report does not know: made since, or few enough to be listed all the same."""
        found = summary(content)
        missing = [group.id for group in catalogue.resources(ResourceKind.GROUP) if group.id not in found.groups]
        if len(missing) > max(1, len(found.groups) // 10):
            raise Unusable("the report does not know every group")
        self._compare(content, found)
        return missing

    def _compare(self, content: Any, found: Summary) -> None:
        """One group of the report against its own list: the largest of those that one call shows."""
        short = [(size, group) for group, size in found.members.items() if size <= PAGE]
        if not short:
            return
        group = max(short)[1]
        try:
            members = {member for page in self._lists.members(group) for member in page}
        except Shifted as exc:
            raise Unusable("a group changed while it was compared with the report") from exc
        if members != members_of(content, group):
            raise Unusable("the report disagrees with a group's members")

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
