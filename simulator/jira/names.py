from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping

from simulator.folding import ascii_lower
from simulator.jira.people import User

WORD = re.compile(r"[^\s.@_+-]+")
WORD_START = re.compile(r"(?<!\S)\S")
SEPARATOR = "\0"
"""Between a word and the account it belongs to; sorts before every letter."""


class NameIndex:
    """Finds people by the start of a word of their name or address.

    Built at the first question, since most runs of a large world never ask one; whole addresses, the commonest
    question, have a list of their own that is quick to build.
    """

    def __init__(self, users: Mapping[str, User]) -> None:
        self._users = users
        self._words: list[str] | None = None
        self._addresses: list[str] | None = None

    def added(self, user: User) -> None:
        """Note a new account."""
        if self._words is not None:
            for entry in _words_of(user):
                insort(self._words, entry)
        if self._addresses is not None:
            for entry in _addresses_of(user):
                insort(self._addresses, entry)

    def clear(self) -> None:
        """Forget everything, after a rename."""
        self._words = self._addresses = None

    def starting_with(self, start: str) -> Iterator[User]:
        """Return each account once that has a word, name or address starting so, ordered by that word."""
        by_address = "@" in start
        wanted = ascii_lower(start) if by_address else start.casefold()
        given: set[str] = set()
        entries = self._all_addresses() if by_address else self._all_words()
        for place in range(bisect_left(entries, wanted), len(entries)):
            word, _, account_id = entries[place].rpartition(SEPARATOR)
            if not word.startswith(wanted):
                return
            if account_id not in given:
                given.add(account_id)
                yield self._users[account_id]

    def _all_words(self) -> list[str]:
        if self._words is None:
            self._words = sorted(entry for user in self._users.values() for entry in _words_of(user))
        return self._words

    def _all_addresses(self) -> list[str]:
        if self._addresses is None:
            self._addresses = sorted(entry for user in self._users.values() for entry in _addresses_of(user))
        return self._addresses


def _words_of(user: User) -> set[str]:
    name, email = user.display_name.casefold(), user.email.casefold()
    words = {name, *WORD.findall(name), *WORD.findall(email.partition("@")[0])}
    return {f"{word}{SEPARATOR}{user.account_id}" for word in words if word}


def _addresses_of(user: User) -> set[str]:
    """Return the address, and what looks like one at the beginning of a word of the name."""
    name = user.display_name
    texts = {user.email, *(name[found.start() :] for found in WORD_START.finditer(name) if "@" in name)}
    return {f"{ascii_lower(text)}{SEPARATOR}{user.account_id}" for text in texts if "@" in text}


def matches(start: str, name: str, email: str) -> bool:
    """Return whether a word of a name, the name or an address starts so."""
    user = User("", email, name)
    entries = _addresses_of(user) if "@" in start else _words_of(user)
    return any(entry.startswith(ascii_lower(start) if "@" in start else start.casefold()) for entry in entries)
