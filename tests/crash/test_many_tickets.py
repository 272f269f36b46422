"""Many tickets at once, through lost answers, hidden tickets, automation and kills: each operation has one, and its end is on it.

Judged by what the simulated systems hold. ``make prove-tickets`` runs it with two thousand operations (``checks/tickets.py``).
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import islice, product
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import func, select

from access.lifecycle import ENDS, RequestState
from demo.patience import slowness
from simulator.jira.issues import Issue
from store.tables import requests
from tests.crash.conftest import MakeSite
from tests.crash.people_at_work import Asked, PeopleAtWork
from tests.crash.process_stack import ProcessStack
from ticketing.jira.calls import PROPERTY

#: Of every hundred operations, what people and the site do with their tickets; the rest is done and closed.
SHARES = {
    "untrue": 10,
    "declined": 8,
    "called back": 8,
    "hidden": 6,
    "closed again": 2,
    "opened again": 2,
    "unreadable": 1,
}
#: Fewer that vanish at once may have been deleted one by one.
LEAST = 3

#: What is said on a ticket, each once, by the ends of the comments' markers; the last is its end.
SAID = {
    "done": ["verified"],
    "untrue": ["answer-1", "verified"],
    "declined": ["declined"],
    "called back": ["withdrawn"],
    "hidden": ["verified"],
    "unreadable": ["verified"],
    "closed again": ["answer-1", "answer-2", "escalated"],
    "opened again": ["withdrawn"],
}
#: How requests end that are not done.
ENDED = {
    "declined": RequestState.FAILED,
    "closed again": RequestState.FAILED,
    "called back": RequestState.WITHDRAWN,
    "opened again": RequestState.WITHDRAWN,
}

LOST = {"system": "jira", "method": "POST", "path": "/rest/api/3/issue$", "drop": "after", "probability": 0.1}

#: How many operations, kills, and seconds in which nothing comes to an end that are too many.
OPERATIONS, KILLS = int(os.environ.get("PROVISOR_TICKETS", "100")), int(os.environ.get("PROVISOR_KILLS", "3"))


def asked(stack: ProcessStack) -> list[Asked]:
    """Requests for access that only people give, their kinds mixed, each of another person or for another group."""
    counts = {kind: max(LEAST, share * OPERATIONS // 100) for kind, share in SHARES.items()}
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    kinds += ["done"] * (OPERATIONS - len(kinds))
    people = [stack.company.person(jira=False) for _ in range(-(-OPERATIONS // 20))]
    groups = [stack.group_by_hand() for _ in range(20)]
    pairs = islice(product(people, groups), OPERATIONS)
    mixed = [kinds[(place * 7919) % OPERATIONS] for place in range(OPERATIONS)]
    return [
        Asked(stack.grant(email, f"jumpcloud:group:{group.name}:member"), email, group.id, kind)
        for (email, group), kind in zip(pairs, mixed, strict=True)
    ]


def ended(stack: ProcessStack) -> int:
    with stack.store.database.read() as connection:
        over = select(func.count()).where(requests.c.state.in_([str(state) for state in ENDS["request"]]))
        return int(connection.execute(over).scalar_one())


def markers(issue: Issue) -> list[str]:
    """The markers of what we said on an issue, without the ticket's id."""
    ours = (comment.properties.get(PROPERTY) for comment in issue.comments)
    return [str(data["marker"]).split("-", maxsplit=2)[2] for data in ours if isinstance(data, dict)]


def what_is_wrong(stack: ProcessStack, each: Asked, issues: Sequence[Issue]) -> list[str]:
    """How an operation and its ticket, as the systems hold them, are not as they should be; by name."""
    wrong = []
    if len(issues) != 1:
        wrong.append("lost" if not issues else "twin")
    for issue in issues[:1]:
        if stack.company.jira.catalogue.statuses[issue.status_id].category != "done":
            wrong.append("open")
        if (said := markers(issue)) != SAID[each.kind]:
            wrong.append(f"says {said}")
    request = stack.request(each.request)
    expected = ENDED.get(each.kind, RequestState.DONE)
    if request is None or request.state is not expected:
        wrong.append(f"request {request.state if request else 'gone'}")
    return wrong


@pytest.mark.long
def test_each_operation_has_one_ticket_and_its_end_is_on_it(make_site: MakeSite) -> None:
    # A call of a killed worker may still be under way on a busy machine: a ticket is not made anew before that is over.
    stack = make_site("embedded", poll=f"{max(0.5, OPERATIONS / 1000)}s", look_for=f"{math.ceil(5 * slowness())}s")
    begun = monotonic()
    lost = stack.faults.add(**LOST, times=None)
    everything = asked(stack)
    people = PeopleAtWork(stack, everything, "OPS")
    backs = sum(each.kind in {"called back", "opened again"} for each in everything)
    kills = 0

    def over(since: int = -1) -> int | None:
        people.work()
        now = ended(stack)
        return now if now > since else None

    total, before = OPERATIONS + backs, -1
    while before < total:
        before = stack.until(partial(over, before), what=f"an end more than {before}")
        if kills < KILLS and before >= total * kills // KILLS:
            stack.kill()
            stack.up()
            kills += 1
    people.let_time_pass()
    stack.until(lambda: over() is not None and settled(stack, everything), what="the last words on the tickets")
    by_request: dict[str, list[Issue]] = {each.request: [] for each in everything}
    for issue in list(stack.company.jira.issues.by_id.values()):
        by_request.get(issue.properties.get(PROPERTY, {}).get("request"), []).append(issue)
    wrong = {
        each.request: found for each in everything if (found := what_is_wrong(stack, each, by_request[each.request]))
    }
    figures = {
        "operations": OPERATIONS,
        "tickets": sum(map(len, by_request.values())),
        "kinds": dict(sorted(Counter(each.kind for each in everything).items())),
        "twins": sum("twin" in found for found in wrong.values()),
        "lost": sum("lost" in found for found in wrong.values()),
        "wrong": dict(Counter(clause for found in wrong.values() for clause in found)),
        "answers_lost": stack.faults.get(lost).played,
        "kills": kills,
        "happened": dict(sorted(people.happened.items())),
        "seconds": round(monotonic() - begun),
    }
    tell(figures)
    assert not wrong, list(wrong.items())[:5]


def settled(stack: ProcessStack, everything: Sequence[Asked]) -> bool:
    """Whether everything is said and closed that is to be."""
    return all(
        each.issue is not None
        and stack.company.jira.catalogue.statuses[each.issue.status_id].category == "done"
        and len(markers(each.issue)) >= len(SAID[each.kind])
        for each in everything
    )


def tell(figures: dict[str, object]) -> None:
    """Tell what came of it to ``make prove-tickets``."""
    if folder := os.environ.get("PROVISOR_PROOF"):
        Path(folder, "tickets.json").write_text(json.dumps(figures), encoding="utf-8")
