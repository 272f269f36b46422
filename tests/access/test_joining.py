"""Two humans never become one person: against a company that knows the truth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import example, given, settings, target
from hypothesis import strategies as st

from access.entitlements import System
from access.joining import Stored, derive
from access.people import AccountRef, Addressed, Link, Look, Proof

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ADDRESSES = ["n0@acme.example", "n0@acme.example", "n0@acme.example", "n1@acme.example"]
STEPS = ["jumpcloud", "jira", "jira", "both", "leave", "hide", "arrive", "arrive", "show", "show", "make"]


@dataclass
class Human:
    """One human. An address is None where the account hides it, or while it has none; ``made`` is what we remember."""

    key: str
    jumpcloud: str | None = None
    jira: str | None = None
    made: str | None = None

    def user(self) -> Addressed | None:
        if self.jumpcloud is None:
            return None
        return Addressed(AccountRef(System.JUMPCLOUD, self.key), self.jumpcloud, is_user=True)

    def atlassian(self, made_for: str | None) -> Addressed | None:
        if self.jira is not None:
            return Addressed(self.account, self.jira)
        return None if self.made is None else Addressed(self.account, self.made, shown=False, made_for=made_for)

    @property
    def account(self) -> AccountRef:
        return AccountRef(System.JIRA, self.key)


class Company:
    """Humans whose addresses change hands at any moment, and who looks at them now and then, at one system after the other.

    What the company keeps to: while the accounts of a human are not joined, the next human gets the address when neither
    shows it any more; and nobody gets an address back. An account that is joined may show an old address for ever.
    """

    def __init__(self) -> None:
        self.humans = [Human("ada"), Human("bob")]
        self.links: dict[AccountRef, Link] = {}
        self._users: list[Addressed] = []
        self._others: list[Addressed] = []
        self._looked = {"jumpcloud": NOON, "jira": NOON}
        self._now = NOON
        self._had: set[tuple[str, str]] = set()

    def do(self, step: str, human: Human, address: str) -> None:
        self._now += MINUTE
        if step in ("jumpcloud", "jira", "both"):
            self._look(step)
        elif step == "leave":
            human.jumpcloud = None
        elif step == "hide":
            human.jira = None
        elif step == "arrive" and self._is_free(address, human):
            human.jumpcloud = address
            self._had.add((human.key, address))
        elif step == "show" and human.jumpcloud is not None:
            human.jira = human.jumpcloud
        elif step == "make" and human.jumpcloud is not None and human.account not in self.links:
            self._make(human, human.jumpcloud)

    def _is_free(self, address: str, human: Human) -> bool:
        others = [each for each in self.humans if each is not human]
        late = all(each.jira != address or self._is_joined(each) for each in others)
        return (human.key, address) not in self._had and late and all(each.jumpcloud != address for each in others)

    def _is_joined(self, human: Human) -> bool:
        return human.account in self.links and self.links[human.account].joined

    def _make(self, human: Human, address: str) -> None:
        """We make the account for an address, for whoever had it when the directory was last looked at."""
        human.made = address
        holders = [each.account.id for each in self._users if each.address == address]
        if len(holders) == 1:
            self.links[human.account] = Link(
                holders[0], human.account, Proof.MADE, address, joined=False, seen_until=self._now
            )

    def _look(self, step: str) -> None:
        if step != "jira":
            self._users = [user for human in self.humans if (user := human.user())]
            self._looked["jumpcloud"] = self._now
        if step != "jumpcloud":
            self._others = [
                each for human in self.humans if (each := human.atlassian(self._made_for(human))) is not None
            ]
            self._looked["jira"] = self._now
        look = Look(min(self._looked.values()), max(self._looked.values()))
        found = derive([*self._users, *self._others], (), look, Stored(dict(self.links)), domains=("acme.example",))
        for link in found.lost:
            del self.links[link.account]
        self.links |= {link.account: link for link in found.new}

    def _made_for(self, human: Human) -> str | None:
        link = self.links.get(human.account)
        return link.person if link is not None and link.proof is Proof.MADE and not link.joined else None


ADA, BOB, N0 = 0, 1, "n0@acme.example"
#: The address moves after the directory was looked at, and Jira is looked at twice.
MOVED = [("arrive", ADA, N0), ("jumpcloud", ADA, N0), ("leave", ADA, N0), ("arrive", BOB, N0), ("show", BOB, N0)]
#: Jira is late with a human who is joined, and the next one has an account, too.
LATE = [("arrive", ADA, N0), ("show", ADA, N0), ("both", ADA, N0), ("both", ADA, N0), ("leave", ADA, N0)]


@example([*MOVED, ("jira", ADA, N0), ("jira", ADA, N0)])
@example([*LATE, ("arrive", BOB, N0), ("both", BOB, N0), ("both", BOB, N0)])
@example([*LATE[:4], ("jira", ADA, N0), *MOVED[2:], ("hide", ADA, N0), ("jira", BOB, N0), ("jira", BOB, N0)])
@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(st.sampled_from(STEPS), st.integers(0, 1), st.sampled_from(ADDRESSES)),
        min_size=30,
        max_size=60,
    )
)
def test_two_humans_are_never_joined_without_a_decision_of_a_person(steps: list[tuple[str, int, str]]) -> None:
    company = Company()
    for step, number, address in steps:
        company.do(step, company.humans[number], address)
        for link in company.links.values():
            assert not link.joined or link.person == link.account.id
    target(sum(link.joined for link in company.links.values()))


def test_the_company_of_this_test_has_persons_that_are_joined() -> None:
    company = Company()
    for step in ("arrive", "show", "both", "both"):
        company.do(step, company.humans[0], "n0@acme.example")
    assert [link.person for link in company.links.values() if link.joined] == ["ada"]
