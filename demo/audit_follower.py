"""Follows Provisor's audit trail, row by row as it is committed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Self

from demo.progress import Progress
from store.audit import AuditRow
from store.unit_of_work import Store

_LOOK_SECONDS = 0.05


class AuditFollower:
    """A thread that notes every new row of the audit trail in the progress."""

    def __init__(self, store: Store, progress: Progress) -> None:
        self._store = store
        self._progress = progress
        self._last = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audit-follower", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            with self._store.read() as work:
                rows = work.audit.after(self._last)
            for number, row in rows:
                self._last = number
                self._tell(row)
                self._progress.happened(row)

    def _tell(self, row: AuditRow) -> None:
        scenario = self._scenario_of(row)
        teller = _TELLERS.get(row.event)
        if scenario is None or teller is None:
            return
        word, text = teller(row.detail)
        if word:
            self._progress.note(scenario, word, text, ticket=row.detail.get("key"))

    def _scenario_of(self, row: AuditRow) -> str | None:
        if row.request_id is not None:
            return self._progress.owner(row.request_id)
        if row.event == "message.rejected":
            with self._store.read() as work:
                letter = work.dead_letters.get(int(row.entity_id))
            return None if letter is None else self._progress.owner(letter.body)
        return None


Teller = Callable[[dict[str, Any]], tuple[str, str]]


def _planned(detail: dict[str, Any]) -> tuple[str, str]:
    by = "by API" if detail["via"] == "connector" else "by ticket"
    what = " the account" if detail["entitlement"].endswith(":account:exists") else ""
    return f"planned {by}", f"{detail['direction']}{what}, because {detail['why']}"


def _claim_active(detail: dict[str, Any]) -> tuple[str, str]:
    return ("", "") if detail.get("ends_at") is None else ("clock runs", f"until {detail['ends_at'][11:19]} UTC")


#: A word and a sentence about each event. Events that are missing here tell nothing beside the others.
_TELLERS: dict[str, Teller] = {
    "request.received": lambda detail: (
        "requested",
        f"{detail['action']} {detail['entitlement']} for {detail['subject']}",
    ),
    "request.done": lambda detail: ("done", str(detail.get("reason", ""))),
    "request.refused": lambda detail: ("refused", detail["reason"]),
    "request.failed": lambda detail: ("failed", detail["reason"]),
    "request.withdrawn": lambda detail: ("withdrawn", detail["why"]),
    "operation.planned": _planned,
    "operation.handed_over": lambda detail: ("to a person", detail["why"]),
    "operation.done": lambda detail: ("verified", detail["evidence"]),
    "ticket.opened": lambda detail: (detail["key"], f"asks a person: {detail['url']}"),
    "ticket.reopened": lambda detail: ("reopened", f"{detail['key']}: {detail['wrong']}"),
    "ticket.lost": lambda detail: ("ticket lost", detail["why"]),
    "claim.active": _claim_active,
    "claim.ending": lambda detail: ("time is up", "the access is taken away") if "late_seconds" in detail else ("", ""),
    "claim.ended": lambda detail: ("ended", detail["why"]),
    "message.rejected": lambda detail: ("dead letter", detail["reason"]),
}
