"""What follows for all persons from one look at the systems and from what is stored. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from access.people import (
    AccountRef,
    Addressed,
    Dispute,
    Link,
    Look,
    Match,
    Proof,
    Verdict,
    judge_match,
    match_address,
)

#: A person and an account.
Pair = tuple[str, AccountRef]


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored: the link of each account, and what persons have split."""

    links: Mapping[AccountRef, Link] = field(default_factory=dict)
    splits: Collection[Pair] = ()


@dataclass(frozen=True, slots=True)
class Joining:
    """What is to be stored: new links, those that are seen no more, and everything that is disputed now."""

    new: Sequence[Link]
    lost: Sequence[Link]
    disputes: Mapping[Pair, Dispute]


def derive(
    addressed: Iterable[Addressed], linked: Sequence[Match], look: Look, stored: Stored, *, domains: Collection[str]
) -> Joining:
    """What one look at all accounts means. ``linked`` are the administrators that the directory itself links to users."""
    matches, disputes = _matches(addressed, linked, domains)
    of_person: dict[str, list[Link]] = defaultdict(list)
    for link in stored.links.values():
        if link.joined:
            of_person[link.person].append(link)
    open_ = {(each.person, each.account): each for each in disputes if not _is_settled(each, stored)}
    new: list[Link] = []
    for match in matches:
        verdict = judge_match(
            match,
            look,
            of_account=stored.links.get(match.account),
            of_person=of_person[match.person],
            split=(match.person, match.account) in stored.splits,
        )
        if isinstance(verdict, Dispute):
            open_[verdict.person, verdict.account] = verdict
        elif verdict is not Verdict.KEEP:
            joined = verdict is Verdict.JOINED
            link = Link(match.person, match.account, match.proof, match.address, joined, look.completed_at)
            of_person[match.person] += [link] if joined else []
            new.append(link)
    seen = {(match.person, match.account) for match in matches}
    lost = [link for link in stored.links.values() if _is_lost(link, seen, look)]
    return Joining(new, lost, open_)


def _matches(
    addressed: Iterable[Addressed], linked: Sequence[Match], domains: Collection[str]
) -> tuple[list[Match], list[Dispute]]:
    matches, disputes = _linked_once(linked)
    users = {match.account: AccountRef(match.account.system, match.person) for match in matches}
    by_address: dict[str, dict[AccountRef, Addressed]] = defaultdict(dict)
    for each in addressed:
        # The address of a linked administrator is one of the user's.
        holder = replace(each, account=users[each.account], is_user=True) if each.account in users else each
        by_address[each.address][holder.account] = holder
    for holders in by_address.values():
        found = match_address(list(holders.values()), domains=domains) if len(holders) > 1 else None
        if isinstance(found, Match):
            matches.append(found)
        elif found is not None:
            disputes += found
    return matches, disputes


def _linked_once(linked: Sequence[Match]) -> tuple[list[Match], list[Dispute]]:
    """Links of administrators, and disputes where several users link to one."""
    users: dict[AccountRef, list[Match]] = defaultdict(list)
    for match in linked:
        users[match.account].append(match)
    several = [each for found in users.values() if len(found) > 1 for each in found]
    why = "JumpCloud links the administrator to more than one user."
    once = [found[0] for found in users.values() if len(found) == 1]
    return once, [Dispute(each.person, each.account, why) for each in several]


def _is_settled(dispute: Dispute, stored: Stored) -> bool:
    """Whether a person has decided, or proof has joined, what would be disputed."""
    link = stored.links.get(dispute.account)
    is_theirs = link is not None and link.joined and link.person == dispute.person
    return is_theirs or (dispute.person, dispute.account) in stored.splits


def _is_lost(link: Link, seen: Collection[Pair], look: Look) -> bool:
    """Whether what was seen once is seen no more. A new account is not expected before a look that began after it was made."""
    if link.joined or (link.person, link.account) in seen:
        return False
    return link.proof is not Proof.MADE or look.began_at > link.seen_until
