"""What every ticketing provider has to do, as rules that anybody can try on a provider of their own.

Write a ``Desk``: the provider, and what people and the world do to its tickets behind its back. Then

    python -m ticketing.conformance yourpackage.module:desk

where ``desk`` makes one when it is called without arguments. Every rule is tried on its own tickets, the broken ones are printed
with what was seen, and the exit status is 1 when there are any. ``broken_rules`` does the same for tests.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from inspect import getdoc
from secrets import token_hex
from typing import Protocol

from access.failures import CredentialRefused, Failure, Permanent, Transient, Unknown
from access.operations import Lane
from ticketing.ports import (
    Phase,
    RemoteLink,
    TicketChanges,
    TicketDraft,
    TicketProvider,
    TicketRef,
    TicketSnapshot,
    who_closed,
)

#: As many as a company has on some days, and more than one call reads.
_MANY = 101

#: Text that has been markup, a link, a mention, a control character or half a character somewhere.
HOSTILE = (
    "*bold* _it_ `code` [a](javascript:alert(1)) <script>x</script> &amp; {code} | table | @[~accountid:1] "
    "\x00\x0b\x1b\u2028\u202e\ud83d \U0001f468\u200d\U0001f469 Zo\u0308e\r\n# heading\n\n---\n> quote\n\n1. item\n\t- below"
)
_LONG = "A word, **and** another one.\n\n" * 4000


class Desk(Protocol):
    """A provider, and the people and the world around its tickets. Its tickets are those of one kind, in one project."""

    @property
    def provider(self) -> TicketProvider:
        """The provider that is tried."""
        ...

    def draft(self, marker: str) -> TicketDraft:
        """A ticket that can be made."""
        ...

    @property
    def colleague(self) -> str:
        """The account id, or the address, of somebody who may have a ticket and watch it."""
        ...

    def number_with(self, marker: str) -> int:
        """How many tickets there are, in truth, that the provider made with this marker."""
        ...

    def comments(self, ref: TicketRef) -> Sequence[str]:
        """The words of all comments on a ticket, in truth, oldest first."""
        ...

    def text(self, ref: TicketRef) -> str:
        """The words of a ticket's title and body, in truth."""
        ...

    def links(self, ref: TicketRef) -> Sequence[str]:
        """The URLs of all links on a ticket to something elsewhere, in truth."""
        ...

    def close(self, ref: TicketRef, *, declined: bool = False) -> str:
        """A person who does not have the ticket closes it, as done or as declined; the name of that person."""
        ...

    def reopen(self, ref: TicketRef) -> None:
        """A person opens a closed ticket again."""
        ...

    def delete(self, ref: TicketRef) -> None:
        """A person deletes a ticket."""
        ...

    def hide(self, ref: TicketRef) -> None:
        """A person hides a ticket from the provider's account."""
        ...

    def copy(self, ref: TicketRef) -> None:
        """A person copies a ticket, with everything that a copy takes over."""
        ...

    def lose_answer(self) -> None:
        """The next change that the provider makes is carried out, and its answer lost."""
        ...

    def refuse_credential(self, *, refused: bool) -> None:
        """From now on the ticketing system does not know the provider's account, or knows it again."""
        ...

    def lag(self, *, lags: bool) -> None:
        """From now on the search of the ticketing system does not find what is made, or finds it at once; reads never lag."""
        ...


class Broken(AssertionError):  # noqa: N818 - what a rule is then
    """A rule that a provider breaks; the message says what was seen."""


Rule = Callable[[Desk], None]


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule that was tried and found broken."""

    name: str
    says: str
    seen: str


def made_and_read(desk: Desk) -> None:
    """A ticket that is made has an id, a key and a URL, and is read as open by its id and by its key."""
    ref = _made(desk)
    _expect(ref.id and ref.key and ref.url.startswith(("http://", "https://")), f"{ref}")
    for name in (ref.id, ref.key):
        state = _state(desk, name)
        _expect(state.phase is Phase.OPEN and (state.ref.id, state.ref.key) == (ref.id, ref.key), f"by {name}: {state}")


def lost_answer_makes_no_twin(desk: Desk) -> None:
    """After a lost answer ``create`` is ``Unknown``, and the one ticket is found past the search by marker alone."""
    marker, before = _marker(), _made(desk)
    desk.lag(lags=True)
    try:
        desk.lose_answer()
        _raises(Unknown, lambda: desk.provider.create(desk.draft(marker)))
        found = desk.provider.probe(marker, project=_project(desk), after_key=before.key)
    finally:
        desk.lag(lags=False)
    _expect(desk.number_with(marker) == 1, f"{desk.number_with(marker)} tickets were made")
    _expect(len(found) == 1, f"probe finds {found}")


def found_by_the_whole_marker(desk: Desk) -> None:
    """A ticket is found by its own marker, and not by one that begins like it."""
    marker = _marker()
    ref, other = desk.provider.create(desk.draft(marker)), desk.provider.create(desk.draft(f"{marker}1"))
    for found in (_find(desk, marker), desk.provider.probe(marker, project=_project(desk), after_key=None)):
        _expect([each.id for each in found] == [ref.id], f"{marker} finds {found}; {other.key} is another")


def copy_is_no_ticket(desk: Desk) -> None:
    """A copy that somebody made of a ticket is not found as one."""
    marker = _marker()
    ref = desk.provider.create(desk.draft(marker))
    desk.copy(ref)
    for found in (_find(desk, marker), desk.provider.probe(marker, project=_project(desk), after_key=ref.key)):
        _expect({each.id for each in found} <= {ref.id}, f"{found}")


def refused_ticket_is_not_made(desk: Desk) -> None:
    """A ticket for a project that does not exist is ``Permanent``, and makes nothing."""
    marker = _marker()
    _raises(Permanent, lambda: desk.provider.create(replace(desk.draft(marker), project="NOSUCHPROJECT")))
    _expect(desk.number_with(marker) == 0, "something was made")


def missing_are_gone_and_keep_no_other(desk: Desk) -> None:
    """Deleted, hidden and unknown tickets are gone, each by itself; the others of the same call are read."""
    deleted, hidden, there = _made(desk), _made(desk), _made(desk)
    desk.delete(deleted)
    desk.hide(hidden)
    read = desk.provider.read([deleted.id, hidden.id, there.id, "999999999"])
    phases = {name: state.phase if isinstance(state, TicketSnapshot) else state for name, state in read.items()}
    expected = {deleted.id: Phase.GONE, hidden.id: Phase.GONE, there.id: Phase.OPEN, "999999999": Phase.GONE}
    _expect(phases == expected, f"{phases}")


def many_are_read_at_once(desk: Desk) -> None:
    """More tickets than one call takes are all read, each asked for once or twice; none is asked for nothing."""
    refs = [_made(desk) for _ in range(3)]
    unknown = [str(999_000_000 + number) for number in range(_MANY)]
    read = desk.provider.read([*unknown, *(ref.id for ref in refs), *(ref.id for ref in refs)])
    _expect(len(read) == _MANY + len(refs), f"{len(read)} of {_MANY + len(refs)} were read")
    _expect(desk.provider.read([]) == {}, "nothing was asked for, and something read")


def phases_follow_people(desk: Desk) -> None:
    """What people do is read: done, opened again, declined."""
    ref = _made(desk)
    seen = []
    desk.close(ref)
    seen.append(_state(desk, ref.id).phase)
    desk.reopen(ref)
    seen.append(_state(desk, ref.id).phase)
    desk.close(ref, declined=True)
    seen.append(_state(desk, ref.id).phase)
    _expect(seen == [Phase.DONE, Phase.OPEN, Phase.DECLINED], f"{seen}")


def closed_and_opened_again(desk: Desk) -> None:
    """A ticket is closed and brought back; one that is there already is left alone, and the state is that of then."""
    ref = _made(desk)
    for to in (Phase.DECLINED, Phase.DECLINED, Phase.OPEN, Phase.OPEN):
        state = desk.provider.transition(ref, to)
        _expect((state.phase is Phase.OPEN) is (to is Phase.OPEN), f"to {to}: {state}")
        read = _state(desk, ref.id)
        _expect(read.phase is state.phase, f"to {to}: said {state.phase}, is {read.phase}")
    _expect(_state(desk, ref.id).resolution is None, "it is open, and its resolution is kept without a word")


def deleted_is_gone_when_closed(desk: Desk) -> None:
    """Closing a ticket that was deleted is no failure: it is gone."""
    ref = _made(desk)
    desk.delete(ref)
    state = desk.provider.transition(ref, Phase.DECLINED)
    _expect(state.phase is Phase.GONE, f"{state}")


def who_closed_is_who_did(desk: Desk) -> None:
    """The history names who closed a ticket, and not who has it."""
    ref = _made(desk)
    desk.provider.assign(ref, [desk.colleague])
    closer = desk.close(ref)
    said = who_closed(desk.provider.changelog(ref))
    _expect(said == closer, f"{said} and not {closer}")


def comment_once_for_each_marker(desk: Desk) -> None:
    """A comment is made once for each marker, also when its answer was lost, and the same words with another marker again."""
    ref, markers = _made(desk), ("c-1", "c-11")
    for _ in range(2):
        desk.provider.comment(ref, "Still wrong.", marker=markers[0])
    desk.lose_answer()
    _raises((Unknown, Transient), lambda: desk.provider.comment(ref, "Still wrong.", marker=markers[1]))
    desk.provider.comment(ref, "Still wrong.", marker=markers[1])
    said = desk.comments(ref)
    _expect(len(said) == len(markers), f"{len(said)} comments for {len(markers)} markers")


def any_text_is_taken(desk: Desk) -> None:
    """Any text is taken as title, body, comment and change, and none is lost."""
    marker = _marker()
    draft = desk.draft(marker)
    ref = desk.provider.create(replace(draft, summary=f"Zeta {HOSTILE}", body=f"Eta {HOSTILE}"))
    desk.provider.comment(ref, f"Theta {HOSTILE}", marker="c")
    _expect("Zeta" in desk.text(ref) and "Eta" in desk.text(ref), desk.text(ref)[:200])
    _expect(any("Theta" in each for each in desk.comments(ref)), f"{desk.comments(ref)}")
    desk.provider.update(ref, TicketChanges(summary=f"Iota {HOSTILE}", body=f"Kappa {HOSTILE}"))
    _expect("Iota" in desk.text(ref) and "Kappa" in desk.text(ref), desk.text(ref)[:200])


def long_text_is_shortened(desk: Desk) -> None:
    """Text that is too long is shortened, and not refused."""
    draft = desk.draft(_marker())
    ref = desk.provider.create(replace(draft, summary=_LONG, body=_LONG))
    desk.provider.comment(ref, _LONG, marker="c")
    _expect("A word" in desk.text(ref) and len(desk.comments(ref)) == 1, desk.text(ref)[:200])


def link_and_watcher_once(desk: Desk) -> None:
    """A link is brought up to date and not doubled, and somebody may be made a watcher twice."""
    ref = _made(desk)
    for url in ("https://example.com/1", "https://example.com/2"):
        desk.provider.link(ref, RemoteLink("provisor:1", url, "The group"))
        desk.provider.watch(ref, desk.colleague)
    _expect(list(desk.links(ref)) == ["https://example.com/2"], f"{desk.links(ref)}")


def first_who_may_gets_it(desk: Desk) -> None:
    """The first who may have a ticket gets it; where nobody may, nobody does, and it is said."""
    ref = _made(desk)
    got = desk.provider.assign(ref, ["nobody-has-this@example.com", desk.colleague])
    _expect(got is not None and _state(desk, ref.id).assignee is not None, f"{got}: {_state(desk, ref.id)}")
    _expect(desk.provider.assign(_made(desk), ["nobody-has-this@example.com"]) is None, "somebody unknown got it")


def kinds_are_listed_and_described(desk: Desk) -> None:
    """The kind of the tickets is among those listed, and is described by its id; an unknown one is ``Permanent``."""
    draft = desk.draft(_marker())
    schema = desk.provider.schema(draft.project, draft.issue_type)
    listed = {(ref.project, ref.type) for ref in desk.provider.schemas()}
    _expect((schema.ref.project, schema.ref.type) in listed, f"{schema.ref} is not among {sorted(listed)}")
    _expect(desk.provider.schema(draft.project, schema.ref.type).ref.type == schema.ref.type, "it is another by its id")
    _raises(Permanent, lambda: desk.provider.schema(draft.project, "No such kind"))


def no_approvals_is_no_failure(desk: Desk) -> None:
    """A ticket that waits for no approval has none."""
    found = desk.provider.approvals(_made(desk))
    _expect(not found, f"{found}")


def every_lane_is_the_same_provider(desk: Desk) -> None:
    """A provider in the lane of removals has the same name, and reads and closes the same tickets."""
    ref = _made(desk)
    urgent = desk.provider.in_lane(Lane.REVOKE)
    _expect(urgent.name == desk.provider.name and bool(urgent.name), f"{urgent.name}")
    _expect(urgent.transition(ref, Phase.DECLINED).phase is not Phase.OPEN, "it is open")


def bad_credential_is_said(desk: Desk) -> None:
    """With a credential that is refused every method is ``CredentialRefused``: no ticket is gone, and none made."""
    ref, marker, provider = _made(desk), _marker(), desk.provider
    desk.refuse_credential(refused=True)
    try:
        for call in (
            lambda: provider.read([ref.id]),
            lambda: provider.create(desk.draft(marker)),
            lambda: provider.comment(ref, "Said.", marker="c"),
            lambda: provider.transition(ref, Phase.DECLINED),
            lambda: provider.probe(marker, project=_project(desk), after_key=ref.key),
            lambda: provider.find(marker, project=_project(desk)),
        ):
            _raises(CredentialRefused, call)
    finally:
        desk.refuse_credential(refused=False)
    _expect(_state(desk, ref.id).phase is Phase.OPEN and desk.number_with(marker) == 0, "something was changed")


#: All rules, in the order in which they are tried.
RULES: tuple[Rule, ...] = (
    made_and_read,
    lost_answer_makes_no_twin,
    found_by_the_whole_marker,
    copy_is_no_ticket,
    refused_ticket_is_not_made,
    missing_are_gone_and_keep_no_other,
    many_are_read_at_once,
    phases_follow_people,
    closed_and_opened_again,
    deleted_is_gone_when_closed,
    who_closed_is_who_did,
    comment_once_for_each_marker,
    any_text_is_taken,
    long_text_is_shortened,
    link_and_watcher_once,
    first_who_may_gets_it,
    kinds_are_listed_and_described,
    no_approvals_is_no_failure,
    every_lane_is_the_same_provider,
    bad_credential_is_said,
)


def broken_rules(desk: Desk, rules: Sequence[Rule] = RULES) -> Iterator[BrokenRule]:
    """Try rules on a provider; those that it breaks, as they are found. Any exception that no rule expects breaks it too."""
    for rule in rules:
        try:
            rule(desk)
        except Broken as broken:
            yield _broken(rule, str(broken))
        except Exception as exc:  # noqa: BLE001 - whatever a provider raises is what is wrong with it
            yield _broken(rule, f"{type(exc).__name__}: {exc}")


def main(words: Sequence[str]) -> int:
    """Try every rule on the provider that is named; 0 when all are kept, 1 when one is broken, 2 when none is named."""
    if len(words) != 1 or ":" not in words[0]:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    module, _, name = words[0].partition(":")
    desk = getattr(import_module(module), name)()
    broken = list(broken_rules(desk))
    for each in broken:
        sys.stdout.write(f"broken  {each.name}: {each.says}\n        {each.seen}\n")
    sys.stdout.write(f"{len(RULES) - len(broken)} of {len(RULES)} rules are kept.\n")
    return 1 if broken else 0


def _broken(rule: Rule, seen: str) -> BrokenRule:
    return BrokenRule(rule.__name__, getdoc(rule) or "", seen)


def _marker() -> str:
    return f"provisor-conformance-{token_hex(6)}"


def _project(desk: Desk) -> str:
    return desk.draft("any").project


def _made(desk: Desk) -> TicketRef:
    return desk.provider.create(desk.draft(_marker()))


def _find(desk: Desk, marker: str) -> Sequence[TicketRef]:
    return desk.provider.find(marker, project=_project(desk))


def _state(desk: Desk, name: str) -> TicketSnapshot:
    state = desk.provider.read([name])[name]
    if isinstance(state, Failure):
        raise Broken(f"{name} is not read: {state}")
    return state


def _expect(holds: object, seen: str) -> None:
    if not holds:
        raise Broken(seen)


def _raises(expected: type[Failure] | tuple[type[Failure], ...], call: Callable[[], object]) -> None:
    try:
        came = call()
    except expected:
        return
    raise Broken(f"no failure came, but {came}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
