"""Orders, watches and fetches the report of users and user groups, which JumpCloud makes while Provisor reads on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.jumpcloud.reading.json_fields import Record, records, text
from httpclient import Call, Fetcher, HttpClient, Response

_ORDER = "/insights/directory/v1/reports/{type}"
_REPORTS = "/insights/directory/v1/reports"
_CONTENT = "/insights/directory/v1/reports/{report}/artifacts/{artifact}/content"
_TYPE = "users-to-user-groups"

_NOT_IN_THE_PLAN = 402


class ReportUnusable(Exception):  # noqa: N818 - what became of a report, for the reader to read in another way
    """JumpCloud did not make the report, or the report is not trustworthy; a few words why."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One form of a finished report."""

    report: str
    id: str


class ReportClient:
    """Orders, watches and fetches reports. ``client`` is that of Directory Insights."""

    def __init__(self, client: HttpClient, fetching: Fetcher) -> None:
        self._client = client
        self._fetching = fetching

    def order(self) -> str:
        """Order the report, and give its id.

        Raises ``ReportUnusable`` where the plan has no reports, and ``Permanent`` where the role has none.
        """
        answer = self._send(
            Call(method="POST", route=_ORDER, path={"type": _TYPE}, body={}, expects=frozenset({_NOT_IN_THE_PLAN}))
        )
        if answer.status == _NOT_IN_THE_PLAN:
            raise ReportUnusable(f"JumpCloud refused it ({answer.status})")
        document = answer.read_as(dict[str, Any], what="a report")
        ordered = text(document, "id")
        if ordered is None:
            raise ReportUnusable("JumpCloud did not say which report it makes")
        return ordered

    def made(self, report: str) -> Artifact | None:
        """The finished report, None until JumpCloud has made it. Raises ``ReportUnusable`` when JumpCloud will not make it."""
        answer = self._send(Call(method="GET", route=_REPORTS, params={"sort": "CREATED_AT"}))
        rows = answer.read_as(list[dict[str, Any]], what="reports")
        found: Record = next((row for row in rows if row.get("id") == report), {})
        status = (text(found, "status") or "").upper()
        if status in {"FAILED", "DELETED"}:
            raise ReportUnusable(f"the report was {status.lower()}")
        if status != "COMPLETED":
            return None  # JumpCloud may not list a new report yet
        forms = {(text(one, "format") or "").upper(): text(one, "id") for one in records(found, "artifacts")}
        chosen = forms.get("CSV") or forms.get("JSON")
        if chosen is None:
            raise ReportUnusable("the finished report has no content")
        return Artifact(report, chosen)

    def content(self, artifact: Artifact) -> Any:
        """The report itself: text or parsed JSON. Raises ``Permanent`` for a report over the client's limit of bytes."""
        path = {"report": artifact.report, "artifact": artifact.id}
        return self._send(Call(method="GET", route=_CONTENT, path=path)).body

    def _send(self, call: Call) -> Response:
        return self._fetching.one(lambda: self._client.send(call))
