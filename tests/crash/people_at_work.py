"""Everybody who works on many tickets at once, with the site's permissions and its automation: each ticket by its kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select, update

from access.operations import TicketTrouble
from simulator.jira.issues import Issue
from simulator.systems import act
from store.tables import ticket_comments, tickets
from tests.crash.process_stack import ProcessStack
from ticketing.jira.calls import PROPERTY


@dataclass
class Asked:
    """One operation that a person carries out; its issue once there is one, and how far the people have come with it."""

    request: str
    email: str
    group: str
    kind: str
    issue: Issue | None = None
    step: int = 0

    @property
    def key(self) -> str:
        assert self.issue is not None
        return self.issue.key


class PeopleAtWork:
    """What people do with tickets, one step at each look; ``happened`` counts what befell the tickets on the way."""

    def __init__(self, stack: ProcessStack, everything: Sequence[Asked], project: str) -> None:
        self._stack = stack
        self._jira, self._jumpcloud = stack.company.jira, stack.company.jumpcloud
        self._project = project
        self._everything = everything
        self._by_request = {each.request: each for each in everything}
        self._unreadable: str | None = None
        self._seen = 0
        self.happened: Counter[str] = Counter()

    def work(self) -> None:
        """Do what can be done now."""
        issues = list(self._jira.issues.by_id.values())
        for issue in issues[self._seen :]:
            asked = self._by_request.get(issue.properties.get(PROPERTY, {}).get("request", ""))
            if asked is not None and asked.issue is None:
                asked.issue = issue
        self._seen = len(issues)
        for kind, do in _DO.items():
            waiting = [each for each in self._everything if each.kind == kind]
            do(self, [each for each in waiting if each.issue is not None], waiting)

    def _is_closed(self, asked: Asked) -> bool:
        assert asked.issue is not None
        return self._jira.catalogue.statuses[asked.issue.status_id].category == "done"

    def _close(self, asked: Asked) -> None:
        act(self._jira, "done", issue=asked.key)

    def _carry_out(self, asked: Asked) -> None:
        act(self._jumpcloud, "add_member", group=asked.group, user=asked.email)
        self._close(asked)
        asked.step = 9

    def _do(self, there: Sequence[Asked], _: Sequence[Asked]) -> None:
        for each in there:
            if each.step == 0:
                self._carry_out(each)

    def _close_untrue(self, there: Sequence[Asked], _: Sequence[Asked]) -> None:
        """Closed and not done; done when it is opened again."""
        for each in there:
            if each.step == 0:
                self._close(each)
                each.step = 1
            elif each.step == 1 and not self._is_closed(each):
                self.happened["opened again as untrue"] += 1
                self._carry_out(each)

    def _decline(self, there: Sequence[Asked], _: Sequence[Asked]) -> None:
        for each in there:
            if each.step == 0:
                act(self._jira, "decline", issue=each.key)
                each.step = 9

    def _call_back(self, there: Sequence[Asked], _: Sequence[Asked]) -> None:
        for each in there:
            if each.step == 0:
                self._revoke(each)
                each.step = 9

    def _revoke(self, asked: Asked) -> None:
        group = self._stack.company.group_name(asked.group)
        self._stack.revoke(asked.email, f"jumpcloud:group:{group}:member")

    def _hide(self, there: Sequence[Asked], everything: Sequence[Asked]) -> None:
        """All at once, as a permission that is lost; shown again when that was noticed, and done."""
        if len(there) < len(everything) or not self._known(there):
            return
        if all(each.step == 0 for each in there):
            for each in there:
                act(self._jira, "restrict_issue", issue=each.key)
                each.step = 1
        elif all(each.step == 1 for each in there) and self._noticed_missing(there):
            self.happened["hidden"] += len(there)
            for each in there:
                act(self._jira, "restrict_issue", issue=each.key, level=None)
                self._carry_out(each)

    def _known(self, there: Sequence[Asked]) -> bool:
        """Whether Provisor knows of these issues: one that vanishes before can be found by nobody, and is made anew."""
        ids = {each.issue.id for each in there if each.issue is not None}
        with self._stack.store.database.read() as connection:
            return ids <= set(connection.execute(select(tickets.c.issue_id)).scalars())

    def _noticed_missing(self, there: Sequence[Asked]) -> bool:
        ids = {each.issue.id for each in there if each.issue is not None}
        with self._stack.store.database.read() as connection:
            missing = select(tickets.c.issue_id).where(tickets.c.missing_since.is_not(None))
            return ids <= set(connection.execute(missing).scalars())

    def _make_unreadable(self, there: Sequence[Asked], _: Sequence[Asked]) -> None:
        """One after the other answers 403 to whoever reads it, until somebody did."""
        now = next((each for each in there if each.step == 1), None)
        if now is not None and self._unreadable is not None:
            if self._stack.faults.get(self._unreadable).played:
                self.happened["unreadable"] += 1
                self._stack.faults.remove(self._unreadable)
                act(self._jira, "restrict_issue", issue=now.key, level=None)
                self._carry_out(now)
                self._unreadable = None
            return
        following = next((each for each in there if each.step == 0), None)
        if following is not None and self._known([following]):
            assert following.issue is not None
            path = f"/issue/{following.issue.id}$"
            self._unreadable = self._stack.faults.add(system="jira", method="GET", path=path, status=403, times=None)
            act(self._jira, "restrict_issue", issue=following.key)
            following.step = 1

    def _close_again_and_again(self, there: Sequence[Asked], _: Sequence[Asked]) -> None:
        """Closed untrue; a rule of the site closes it whenever it is opened again."""
        for each in there:
            if each.step == 0:
                act(self._jira, "add_automation", project=self._project, when="reopened", to="done", issues=[each.key])
                self._close(each)
                each.step = 9
                self.happened["closed again by automation"] += 1

    def _open_again(self, there: Sequence[Asked], _: Sequence[Asked]) -> None:
        """Called back; a rule of the site opens it whenever it is closed, until somebody takes that rule away."""
        for each in there:
            if each.step == 0:
                act(self._jira, "add_automation", project=self._project, when="closed", to="new", issues=[each.key])
                self._revoke(each)
                each.step = 1
            elif each.step == 1 and self._is_left_open(each):
                self.happened["opened again by automation"] += 1
                self._without_rule(each)
                each.step = 9

    def _is_left_open(self, asked: Asked) -> bool:
        assert asked.issue is not None
        with self._stack.store.database.read() as connection:
            trouble = select(tickets.c.trouble).where(tickets.c.issue_id == asked.issue.id)
            return connection.execute(trouble).scalar() == TicketTrouble.LEFT_OPEN

    def _without_rule(self, asked: Asked) -> None:
        """Take the rule away, and let the time pass until the ticket is looked at again."""
        assert asked.issue is not None
        rules = self._jira.project(self._project).automation
        rules[:] = [rule for rule in rules if rule.issues != [asked.issue.id]]
        self._look_again(tickets.c.issue_id == asked.issue.id)

    def let_time_pass(self) -> None:
        """What ten minutes do: tickets that have ended are looked at again, and what a killed worker left unsaid is said."""
        unsaid = select(ticket_comments.c.ticket_id).where(ticket_comments.c.said_at.is_(None))
        self._look_again(tickets.c.id.in_(unsaid))

    def _look_again(self, which: ColumnElement[bool]) -> None:
        now = self._stack.process.provisor.services.clock.now()
        with self._stack.store.database.write() as connection:
            connection.execute(update(tickets).where(which).values(due_at=now))


_DO: dict[str, Callable[[PeopleAtWork, Sequence[Asked], Sequence[Asked]], None]] = {
    "done": PeopleAtWork._do,
    "untrue": PeopleAtWork._close_untrue,
    "declined": PeopleAtWork._decline,
    "called back": PeopleAtWork._call_back,
    "hidden": PeopleAtWork._hide,
    "unreadable": PeopleAtWork._make_unreadable,
    "closed again": PeopleAtWork._close_again_and_again,
    "opened again": PeopleAtWork._open_again,
}
