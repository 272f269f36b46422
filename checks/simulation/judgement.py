"""What came of a life, by the truth of the simulated systems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from access.lifecycle import ENDS, ClaimState, RequestState
from checks.simulation.life import SKEW_SECONDS, Life
from checks.simulation.stories import Message, Story
from ticketing.ports import Phase

#: How much earlier than its time access may go: the clocks of the processes differ, at the start and at the end.
_EARLIER = timedelta(seconds=2 * SKEW_SECONDS)

#: What happens to anything once.
ONCE = ("request.received", "request.done", "operation.done", "claim.active", "claim.ended", "ticket.opened")

WORDS = ("wrongful", "lost", "doubled", "overdue")


@dataclass
class Judgement:
    """Sentences by what they are about: ``wrongful``, ``lost``, ``doubled``, ``overdue``."""

    found: dict[str, list[str]] = field(default_factory=lambda: {word: [] for word in WORDS})

    def say(self, word: str, holds: object, sentence: str) -> None:
        """Keep a sentence unless what it denies holds."""
        if not holds:
            self.found[word].append(sentence)

    @property
    def clean(self) -> bool:
        """Whether there is nothing to say."""
        return not any(self.found.values())


def judge(life: Life) -> Judgement:
    """Judge a life that is over."""
    judgement = Judgement()
    for sentence in life.wrong:
        judgement.say("wrongful" if "snapshot" in sentence else "lost", None, sentence)
    for place in sorted(life.points.within):
        judgement.say("lost", None, f"{place} makes a call within a transaction, and all who write wait for it.")
    for story in life.stories:
        _judge_story(life, story, judgement)
    _judge_tickets(life, judgement)
    with life.store.read() as work:
        for claim in work.claims.recent(states=[ClaimState.PENDING, ClaimState.ENDING], limit=None):
            judgement.say("lost", None, f"The claim of {claim.request_id} is {claim.state} still.")
    judgement.say("lost", life.snapshots, "No snapshot was ever complete.")
    for event, entity, times in life.recorded_often(ONCE):
        judgement.say("doubled", None, f"{times} audit rows say '{event}' of {entity}.")
    for state, entity in life.unrecorded():
        judgement.say("lost", None, f"No audit row says '{state}' of {entity}.")
    return judgement


def _judge_story(life: Life, story: Story, judgement: Judgement) -> None:
    about = f"{story.kind} ({story.messages[0].id}, {story.account} {story.ref})"
    for message in story.messages:
        if message.sent_at is not None:
            _judge_request(life, story, message, judgement)
    journal = life.system_of(story).journal(story.account, story.ref)
    told = ", ".join(f"{'+' if there else '-'}{moment:%d %H:%M:%S}" for moment, there in journal)
    has = bool(journal) and journal[-1][1]
    given = [moment for moment, there in journal if there][1 if story.there_before else 0 :]
    word = "overdue" if not story.stays else "wrongful" if given or story.there_before else "lost"
    if story.lost_a_part:
        if story.kind != "there before":  # Whose it is, nobody can say any more.
            judgement.say(
                "wrongful" if story.stays else "overdue", has is story.stays, f"{about} after a restore: {told}"
            )
        return
    if story.stays:
        judgement.say(word, has, f"{about} is gone: {told}")
    else:
        judgement.say(word, not has, f"{about} is there still: {told}")
    if story.must_be_given and not story.there_before:
        judgement.say("lost", given, f"{about} was never given.")
    judgement.say("doubled", len(given) <= story.gives, f"{about} was given {len(given)} times: {told}")
    least = life.least_of(story)
    if least is not None and given and not story.stays and not has:
        last = max(moment for moment, _ in journal)
        lasted = last - given[0]
        judgement.say("wrongful", lasted >= least - _EARLIER, f"{about} lasted {lasted}, not {least}: {told}")


def _judge_request(life: Life, story: Story, message: Message, judgement: Judgement) -> None:
    with life.store.read() as work:
        request = work.requests.get(message.id)
    judgement.say("lost", request, f"The request {message.id} ({story.kind}) is not stored.")
    if request is None:
        return
    judgement.say("lost", request.state in ENDS["request"], f"{message.id} ({story.kind}) is {request.state} still.")
    may_fail = not story.must_be_given or message.when_held or story.lost_a_part
    ended_well = request.state is RequestState.DONE or request.state not in ENDS["request"] or may_fail
    judgement.say("lost", ended_well, f"{message.id} ({story.kind}) is {request.state}: {request.reason}")


def _judge_tickets(life: Life, judgement: Judgement) -> None:
    # What was lost and handed in again is asked for by another operation, and by the same ticket.
    # A worker that was frozen before it made its issue closes that as a duplicate.
    asking = [issue for issue in life.tickets.issues.values() if issue.phase is not Phase.DECLINED]
    issues = Counter(map(life.asked_by, asking))
    for (request, direction), number in issues.items():
        judgement.say("doubled", number == 1, f"{number} tickets ask to {direction} what {request} is about.")
    for issue in life.tickets.open_issues():
        judgement.say("lost", None, f"{issue.ref.key} is open still.")


def sentences(judgement: Judgement) -> Iterator[str]:
    """All that was found."""
    for word, found in judgement.found.items():
        for sentence in found:
            yield f"{word}: {sentence}"
