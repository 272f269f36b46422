"""Stories: what is asked for about one access, in order, and what has to come of it by the truth of the systems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

#: Accounts of both systems; groups are many, so that each story has an access of its own.
PEOPLE = {f"u{number}": f"u{number}@example.com" for number in range(40)}

MINUTE = timedelta(minutes=1)
#: The share of stories that people have to carry out, and of those in Jira.
_BY_HAND, _IN_JIRA = 0.15, 0.4


@dataclass(eq=False)
class Message:
    """One message, at the earliest at a moment, and after another one was taken in.

    ``when`` is what has to be so before anybody sends it; without that it is never sent.
    """

    body: Mapping[str, Any]
    at: datetime
    after: Message | None = None
    when_held: bool = False
    sent_at: datetime | None = None
    taken_at: datetime | None = None

    @property
    def id(self) -> str:
        """The id of its request."""
        return str(self.body["id"])


@dataclass(eq=False)
class Story:
    """One person's access to one group.

    - ``stays``: whether the access is there when all is over.
    - ``least``: how long it lasts at least, once it was given; None where it may be taken away at any time.
    - ``gives``: how often it is given at most.
    - ``must_be_given``: whether it has to have been there at all.
    """

    kind: str
    account: str
    ref: str
    messages: list[Message] = field(default_factory=list)
    there_before: bool = False
    stays: bool = False
    least: timedelta | None = None
    gives: int = 1
    must_be_given: bool = True
    #: Whether a restored database lost a part of it, so that it may have happened twice.
    lost_a_part: bool = False

    @property
    def by_ticket(self) -> bool:
        """Whether policy has people change this access."""
        return "by-hand" in self.ref


class Author:
    """Writes the stories of a life."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._written = 0
        #: The groups of JumpCloud, by their ids.
        self.groups = [f"{kind}{number}" for kind in ("by-hand-", "api-") for number in range(60)]
        free = [(who, group) for who in PEOPLE for group in self.groups]
        rng.shuffle(free)
        self._free = {kind: [each for each in free if each[1].startswith(kind)] for kind in ("by-hand-", "api-")}

    def write(self, at: datetime) -> Story:
        """A story that begins then."""
        self._written += 1
        kinds = ("timed", "timed", "timed", "standing", "revoked", "there before", "taken", "two claims", "renewed")
        kind = self._rng.choice((*kinds, "extended", "called back"))
        account, group = self._free["by-hand-" if self._rng.random() < _BY_HAND else "api-"].pop()
        system = "jira" if self._rng.random() < _IN_JIRA else "jumpcloud"
        story = Story(kind, account, f"{system}:group:{group}:member")
        duration = timedelta(minutes=self._rng.randint(5, 180))
        later = at + timedelta(minutes=self._rng.randint(1, 240))
        match kind:
            case "timed" | "there before":
                self._grant(story, at, duration)
                story.there_before = story.stays = kind == "there before"
                story.gives = 0 if story.there_before else 1
            case "standing":
                self._grant(story, at, None)
                story.stays = True
            case "revoked":
                first = self._grant(story, at, None)
                self._ask(story, "revoke", later, after=first)
                story.must_be_given = False  # A person may not have come to it by then.
            case "taken":
                story.there_before, story.gives = True, 0
                self._ask(story, "revoke", at)
            case "two claims":
                first = self._grant(story, at, duration)
                self._grant(story, at + duration * self._rng.uniform(0, 0.9), duration, after=first)
                story.gives = 2  # One after the other, where the first was over before the second was seen to.
            case "renewed":
                first = self._grant(story, at, duration)
                self._grant(
                    story, at + duration + timedelta(seconds=self._rng.randint(-60, 120)), duration, after=first
                )
                story.gives = 2
            case "extended":
                first = self._grant(story, at, duration + 30 * MINUTE)
                more = {"duration": _spelled(duration)}
                extension = self._ask(story, "extend", at + MINUTE, after=first, **more)
                extension.when_held = True
            case "called back":
                first = self._grant(story, at, None)
                self._ask(story, "revoke", at, after=first)
                story.must_be_given = False
        return story

    def _grant(
        self, story: Story, at: datetime, duration: timedelta | None, *, after: Message | None = None
    ) -> Message:
        lasting = {} if duration is None else {"duration": _spelled(duration)}
        story.least = duration if story.least is None or duration is None else min(story.least, duration)
        return self._ask(story, "grant", at, after=after, **lasting)

    def _ask(self, story: Story, action: str, at: datetime, *, after: Message | None = None, **more: str) -> Message:
        body = {
            "id": f"r{self._written}-{len(story.messages)}",
            "action": action,
            "subject": {"id": story.account},
            "entitlement": story.ref,
            **more,
        }
        message = Message(body, at, after)
        story.messages.append(message)
        return message


def _spelled(duration: timedelta) -> str:
    return f"PT{int(duration.total_seconds())}S"
