"""One run: a company, changes by people, syncs that read false lists, and a good sync after them; judged by the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

from sqlalchemy import RowMapping

from access.entitlements import EntitlementRef, System
from access.methods import Direction
from access.snapshots import RunState
from checks.removals.company import WAYS, Company, Held, company
from checks.removals.false_lists import Corruption, FalseLists
from simulator.jira.world import ADMIN_ACCOUNT
from store.tables import operations

_CORRUPTIONS = tuple(Corruption)
#: How many rows a page may have: few, so that small lists have several pages, or all.
_PAGES = (3, 4, 100)
#: Shares of the lists that are false at a time. Where all are, a sync fails at its first list, and that shows little.
_SHARES = (0.15, 0.3, 0.6)
_HOUR = timedelta(hours=1)

Account = tuple[str, str]


@dataclass
class Outcome:
    """What came of a run.

    - ``read``: the lists that its syncs read; ``fired``: the false answers, by list and corruption.
    - ``syncs``: how the syncs ended that read false answers.
    - ``wrongful``: what somebody should have, and lost or was to lose; ``kept`` is how many holdings there are of that.
    - ``rightful``: the removals that the truth wants; ``left``: those that one good sync after the faults did not bring about.
    """

    number: int
    read: set[str] = field(default_factory=set)
    fired: Counter[tuple[str, str]] = field(default_factory=Counter)
    syncs: Counter[str] = field(default_factory=Counter)
    wrongful: list[str] = field(default_factory=list)
    kept: int = 0
    rightful: int = 0
    left: list[str] = field(default_factory=list)


def trial(seed: int, number: int, template: Path, folder: Path) -> Outcome:
    """Try the run of this number; the two numbers decide everything. ``template`` is an empty store."""
    rng = Random(f"{seed} {number}")
    lists = FalseLists(Random(rng.random()), page=rng.choice(_PAGES))
    with company(rng.randrange(1_000_000), WAYS[number % len(WAYS)], lists, template, folder) as made:
        return _Trial(number, made, rng).run()


class _Trial:
    def __init__(self, number: int, company: Company, rng: Random) -> None:
        self._company, self._rng = company, rng
        self._outcome = Outcome(number)
        #: What was there before the lists were false, what somebody should have, what is to go, and whose accounts may be shut.
        self._before: set[Held] = set()
        self._keep: set[Held] = set()
        self._go: set[Held] = set()
        self._left: set[Account] = set()

    def run(self) -> Outcome:
        company, rng, outcome = self._company, self._rng, self._outcome
        leaves = rng.random() < 0.4  # noqa: PLR2004 - some runs have a leaver
        for _ in range(1 + leaves):  # the second joins the accounts of people
            self._sync_well()
        self._ask()
        self._before = company.held()
        self._keep = {held for held in company.held() if held[3] == "account"} - self._go
        accounts = self._accounts()
        changes = [self._give_by_hand, self._give_by_hand, self._give_by_hand, self._take_by_hand]
        changes += [self._leave] if leaves else []
        rng.shuffle(changes)
        first, rounds = rng.randrange(len(_CORRUPTIONS)), rng.randint(1, 3)
        for number in range(rounds):
            for change in changes[number::rounds]:
                change()
            company.clock.advance(_HOUR)
            company.lists.begin(_CORRUPTIONS[(first + number) % len(_CORRUPTIONS)], share=rng.choice(_SHARES))
            outcome.syncs.update(str(state) for state in company.sync())
            company.lists.end()
            company.work()
        self._sync_well()
        there = company.held()
        outcome.rightful, outcome.left = len(self._go), [":".join(held) for held in sorted(self._go & there)]
        self._sync_well()  # what the good sync made possible shows after the next
        self._judge(accounts)
        outcome.read = company.lists.read
        outcome.fired = Counter({(route, str(what)): count for (route, what), count in company.lists.fired.items()})
        return outcome

    def _sync_well(self) -> None:
        self._company.clock.advance(_HOUR)
        ended = self._company.sync()
        assert ended == [RunState.COMPLETE] * len(System), ended
        self._company.work()

    # What happens

    def _ask(self) -> None:
        """Access by request: for good, and for a time that ends while the lists are false."""
        for name, more in (("standing", {}), ("timed", {"duration": "PT90M"})):
            held = self._rng.choice(self._free())
            subject, entitlement = {"id": held[4]}, _entitlement_of(held)
            self._company.submit(id=name, action="grant", subject=subject, entitlement=entitlement, **more)
            self._company.work()
            if more and held in self._company.held():
                self._go.add(held)

    def _give_by_hand(self) -> None:
        """Somebody gives access that nothing explains."""
        # A claim explains what was there before, or it explains itself for a week after somebody took it.
        free = [held for held in self._free() if (held[0], held[4]) not in self._left and held not in self._before]
        held = self._rng.choice(free)
        self._change(held, "add")
        self._go.add(held)

    def _take_by_hand(self) -> None:
        """Somebody takes access away that was there before."""
        there = [held for held in sorted(self._keep) if _is_plain(self._company, held)]
        held = self._rng.choice(there)
        self._change(held, "remove")
        self._keep.discard(held)

    def _leave(self) -> None:
        """Somebody is suspended or deleted in the directory, and is to lose everything in both systems."""
        directory, site = self._company.directory, self._company.site
        # Whoever shares an address with an administrator is disputed, and nothing is taken from a disputed account.
        shared = {admin.email for admin in directory.admins}
        user = self._rng.choice(
            [each for each in directory.users if each.state == "ACTIVATED" and each.email not in shared]
        )
        account = next(each.account_id for each in site.directory.users.values() if each.email == user.email)
        self._left |= {(System.JUMPCLOUD, user.id), (System.JIRA, account)}
        theirs = {held for held in self._keep if held[4] in (user.id, account)}
        self._company.act(System.JUMPCLOUD, self._rng.choice(["suspend_user", "delete_user"]), user=user.id)
        self._keep -= theirs
        self._go |= {held for held in theirs if _is_plain(self._company, held)}

    def _free(self) -> list[Held]:
        """What nobody has yet and could be given: groups and roles that give no administrator's power."""
        found = set()
        for system, truth in self._company.truths().items():
            people = [who for who, (kind, status) in truth.accounts.items() if kind in _PEOPLE and status == "active"]
            people = [who for who in people if who != ADMIN_ACCOUNT]  # the guard leaves Provisor's own to a person
            things = {(kind, key) for kind, key, _, _ in truth.resources}
            found |= {(str(system), kind, key, "account", who) for kind, key in things for who in people}
        return sorted(held for held in found - self._company.held() if _is_plain(self._company, held))

    def _change(self, held: Held, verb: str) -> None:
        system, kind, resource, _, who = held
        if kind == "project-role":
            project, _, role = resource.partition("/")
            self._company.act(System(system), f"{verb}_role_actor", project=project, role=role, user=who)
        elif system == System.JIRA:
            self._company.act(System.JIRA, f"{verb}_member", group=resource, account=who)
        else:
            self._company.act(System.JUMPCLOUD, f"{verb}_member", group=resource, user=who)

    # The verdict

    def _accounts(self) -> dict[Account, tuple[str, str]]:
        truths = self._company.truths().items()
        return {(system, who): state for system, truth in truths for who, state in truth.accounts.items()}

    def _judge(self, before: Mapping[Account, tuple[str, str]]) -> None:
        wrongful = self._outcome.wrongful
        self._outcome.kept = len(self._keep)
        wrongful += [f"{':'.join(held)} is gone" for held in sorted(self._keep - self._company.held())]
        now = self._accounts()
        changed = {account for account, state in before.items() if now.get(account) != state} - self._left
        wrongful += [f"account {':'.join(account)} is shut" for account in sorted(changed)]
        with self._company.provisor.store.database.read() as connection:
            taking = operations.select().where(operations.c.direction == str(Direction.TAKE))
            for row in connection.execute(taking).mappings():
                if _held_of(row) in self._keep:
                    wrongful.append(f"{row['id']} was to take {row['access_key']}, and is {row['state']}")


#: The kinds of accounts that are people's own.
_PEOPLE = ("user", "atlassian")


def _is_plain(made: Company, held: Held) -> bool:
    """Whether access may be given and taken by API, and no guard leaves it to a person."""
    system, kind, resource, _, _ = held
    if system == System.JUMPCLOUD:
        group = made.directory.groups.get(resource)
        return kind == "group" and group is not None and "admin" not in group.name
    site = made.site
    if kind == "project-role":
        return "dmin" not in site.catalogue.roles[int(resource.partition("/")[2])].name
    return kind == "group" and site.directory.groups[resource].name.startswith("team-")


def _entitlement_of(held: Held) -> str:
    system, kind, resource, _, _ = held
    right = "assigned" if kind == "project-role" else "member"
    return f"{system}:{kind}:{resource.replace('/', ':')}:{right}"


def _held_of(row: RowMapping) -> Held:
    ref = EntitlementRef.parse(row["entitlement"])
    return str(ref.system), str(ref.kind), "/".join(ref.path), "account", str(row["account_id"])
