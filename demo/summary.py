"""The summary at the end: for people, and as one JSON object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from demo.progress import Progress
from demo.scenario import Scenario


def as_facts(progress: Progress, scenarios: Sequence[Scenario], *, seconds: float, folder: str) -> dict[str, Any]:
    """The outcomes: for each scenario what was expected, what happened, and what the simulator's own state shows."""
    requests = []
    for scenario in scenarios:
        record = progress.records[scenario.name]
        began, ended = record.began or 0.0, record.ended or 0.0
        requests.append(
            {
                "name": scenario.name,
                "asked": scenario.title,
                "ids": record.request_ids,
                "ok": record.ok is True,
                "expected": scenario.expected,
                "happened": " -> ".join(record.steps),
                "state": record.state,
                "tickets": record.tickets,
                "simulator": record.seen,
                "problems": record.problems,
                "seconds": round(ended - began, 2),
            }
        )
    ok = bool(requests) and all(request["ok"] for request in requests)
    return {"ok": ok, "requests": requests, "seconds": round(seconds, 1), "folder": folder}


def in_words(facts: dict[str, Any]) -> list[str]:
    """The summary in lines of text."""
    requests = facts["requests"]
    right = [request for request in requests if request["ok"]]
    wrong = [request for request in requests if not request["ok"]]
    tickets = sum(len(request["tickets"]) for request in requests)
    result = f"{len(right)} of {len(requests)} came out as expected, by the simulators' own state."
    lines = ["", f"{result} {tickets} tickets, {facts['seconds']:.1f} seconds."]
    for request in wrong:
        lines += [
            f"  {request['name']}: expected: {request['expected']}",
            f"    happened: {request['happened'] or 'nothing'}",
        ]
        lines += [f"    {problem}" for problem in request["problems"]]
    folder = facts["folder"]
    return [
        *lines,
        f"Logs, store and settings are in {folder}; look into it with",
        f"  provisor requests show account-deprovision --config {folder}/provisor.yaml",
    ]


def table_in_words(facts: dict[str, Any]) -> list[str]:
    """Each scenario in two lines of text, for pipes."""
    lines = [""]
    for request in facts["requests"]:
        word = "ok " if request["ok"] else "NOT"
        lines.append(f"{word} {request['name']}: {request['asked']} - expected: {request['expected']}")
        lines.append(
            f"      {request['happened']}; the simulator shows: {'; '.join(request['simulator']) or 'nothing'}"
        )
    return lines
