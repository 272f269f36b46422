"""Judging a storm by what the simulated systems themselves wrote down."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from checks.storms.workload import LASTS_SECONDS, Asked, Holding, Workload
from tests.flow.simulated_stack import SimulatedCompany

#: By how much the stamps of the systems and the database's clock, which all are the machine's, may differ.
_SLACK_SECONDS = 0.5

_JIRA_CHANGES = {"group_member_added": "add", "group_member_removed": "remove"}


@dataclass(frozen=True)
class Change:
    """One change of a holding in a journal: "add" or "remove", and when, in seconds since 1970."""

    op: str
    at: float


@dataclass
class Findings:
    """The requests and holdings about which a promise was broken, by how; ``done``: how many came to the right end."""

    done: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrongful: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """How many there are of each."""
        return {"done": self.done} | {name: len(getattr(self, name)) for name in BROKEN}

    def lines(self) -> Iterable[str]:
        """A line for each that was broken."""
        return (f"{name}: {line}" for name in BROKEN for line in getattr(self, name))


BROKEN = ("lost", "doubled", "wrongful", "kept")


def journal(company: SimulatedCompany) -> dict[Holding, list[Change]]:
    """Every change of a membership that the systems have seen, oldest first."""
    found: dict[Holding, list[Change]] = defaultdict(list)
    for event in list(company.jumpcloud.journal):
        if event.body["event_type"] == "association_change":
            association = event.body["association"]
            between = association["connection"]
            key: Holding = "jumpcloud", between["from"]["object_id"], between["to"]["object_id"]
            found[key].append(Change(association["op"], event.at))
    for entry in list(company.jira.journal.entries):
        if entry.action in _JIRA_CHANGES and entry.target is not None:
            key = "jira", entry.target.name, entry.object.id
            found[key].append(Change(_JIRA_CHANGES[entry.action], entry.at))
    return found


def judge(
    workload: Workload,
    told: Mapping[Holding, Sequence[Change]],
    *,
    states: Mapping[str, str],
    issues: Mapping[str, int],
    received: Mapping[str, int],
) -> Findings:
    """What became of everything.

    - ``told``: the journals; ``states``: where Provisor says that each request stands;
    - ``issues``: how many issues there are about each request; ``received``: how often it was taken in.
    """
    found = Findings()
    for each in workload.asked:
        broken = _broken(each, told.get(each.holding, ()))
        if states.get(each.id) != "done" and broken in (None, "lost"):
            found.lost.append(f"{each.id} is {states.get(each.id)}: {each.entitlement}")
        elif broken is not None:
            getattr(found, broken).append(f"{each.id}: {_story(told.get(each.holding, ()))}, not {each.changes}")
        elif issues.get(each.id, 0) != each.by_ticket or received.get(each.id) != 1:
            found.doubled.append(f"{each.id}: {issues.get(each.id, 0)} issues, received {received.get(each.id)} times")
        else:
            found.done += 1
    asked, groups = {each.holding for each in workload.asked}, workload.groups
    for holding, changes in told.items():
        expected = ["add"] if holding in workload.bystanders else []
        if holding[:2] in groups and holding not in asked and [each.op for each in changes] != expected:
            found.wrongful.append(f"{holding}: {_story(changes)}, and nobody asked")
    return found


def _broken(each: Asked, changes: Sequence[Change]) -> str | None:
    """Which promise about a request its holding breaks."""
    told = tuple(change.op for change in changes)
    if told == each.changes:
        early = each.duration is not None and changes[-1].at - changes[0].at < LASTS_SECONDS - _SLACK_SECONDS
        return "wrongful" if early else None
    if told[-1:] == each.changes[-1:]:
        return "doubled"
    if each.changes[-1] == "remove":
        return "kept" if told[-1:] == ("add",) else "lost"
    return "wrongful" if told else "lost"


def _story(changes: Sequence[Change]) -> str:
    return ", ".join(f"{each.op} at {each.at:.3f}" for each in changes) or "nothing"


def why_void(fired: Mapping[str, int], wanted: Mapping[str, int]) -> list[str]:
    """Why a storm proves nothing, a clause for each fault that did not fire often enough."""
    return [
        f"'{name}' fired {fired.get(name, 0)} times, fewer than {least}"
        for name, least in wanted.items()
        if fired.get(name, 0) < least
    ]


def summed(storms: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One result over those of all storms."""
    counts: Counter[str] = Counter()
    for each in storms:
        counts.update({name: each[name] for name in ("requests", "done", *BROKEN)})
    return {
        "ok": bool(storms) and all(each["ok"] for each in storms),
        "storms": {each["storm"]: each["ok"] for each in storms},
        **counts,
    }
