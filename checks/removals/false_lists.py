"""Lists that are not true: what stands between Provisor and the simulated systems, and makes their answers false."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlencode

from simulator.faults import Asked

Rows = list[Any]


class Corruption(StrEnum):
    """What is wrong with a list."""

    #: Rows at its end are not there.
    TRUNCATED = "truncated"
    #: It is as it was some time ago.
    STALE = "stale"
    #: It begins some rows later than it was asked for.
    SHIFTED = "shifted"
    #: Its rows are those of another list of this kind, or of another tenant.
    FOREIGN = "foreign"
    #: It has no rows.
    EMPTY = "empty"
    #: It is a page that came before, or some of its rows come twice.
    REPEATED = "repeated"


#: Where an answer has its rows, when it is not a list itself; and where it has their number.
_ROWS_AT = ("results", "values", "data", "actors")
_TOTAL_AT = ("totalCount", "total")
_TOTAL_HEADER = "x-total-count"

#: The query's word for the first row of a page, and for how many it may have.
_FIRST = ("skip", "startAt")
_MOST = ("limit", "maxResults")

#: The share of foreign lists that are another list of this tenant, and of false lists whose total agrees with them.
_CROSSED, _AGREEING = 0.5, 0.7

#: Ids of JumpCloud, of Atlassian, and numbers.
_ID = re.compile(r"(?:[0-9]+:)?[0-9a-f]{24}|(?:[0-9]+:)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[1-9][0-9]{3,}")
_OTHER = str.maketrans("0123456789abcdef", "1032547698badcfe")


@dataclass(frozen=True, slots=True)
class ListAnswer:
    """An answer that is a list: its rows, and the document that they stand in."""

    headers: Mapping[str, str]
    document: Any
    rows: Rows

    @classmethod
    def read(cls, status: int, headers: Mapping[str, str], body: bytes) -> ListAnswer | None:
        """The list in an answer; None when it is none."""
        if status != 200:  # noqa: PLR2004 - the status of an answer with a list
            return None
        if headers.get("content-type", "").startswith("text/csv"):
            heading, *lines = body.decode().splitlines()
            return cls(headers, heading, lines)
        try:
            document = json.loads(body)
        except ValueError:
            return None
        if isinstance(document, list):
            return cls(headers, document, document)
        key = _key_of_rows(document)
        if key is not None:
            return cls(headers, document, document[key])
        if document and all(isinstance(each, str) and each.startswith("http") for each in document.values()):
            return cls(headers, document, [*document.items()])  # addresses by name: the roles of a project
        return None

    def written(self, rows: Rows, *, total: int | None) -> tuple[Mapping[str, str], bytes]:
        """The answer with other rows. ``total`` is what it says of their number; None leaves that as it was."""
        headers, document = dict(self.headers), self.document
        if isinstance(document, str):
            return headers, "".join(f"{line}\r\n" for line in (document, *rows)).encode()
        if isinstance(document, list):
            if total is not None and _TOTAL_HEADER in headers:
                headers[_TOTAL_HEADER] = str(total)
            return headers, json.dumps(rows).encode()
        key = _key_of_rows(document)
        if key is None:
            return headers, json.dumps(dict(rows)).encode()
        told = {} if total is None else {name: total for name in _TOTAL_AT if name in document}
        return headers, json.dumps({**document, **told, key: rows}).encode()


def _key_of_rows(document: Any) -> str | None:
    if not isinstance(document, dict):
        return None
    return next((key for key in _ROWS_AT if isinstance(document.get(key), list)), None)


class FalseLists:
    """Remembers what was true, and makes a share of the lists false while it is told to.

    - ``page`` is how many rows a page has, where the service lets its callers choose: small lists have several pages then.
    - ``fired`` counts the answers that were not what they would have been, by list and corruption.
    - ``read`` are the lists that were read while all were true: those that a sync reads.
    """

    def __init__(self, rng: Random, *, page: int) -> None:
        self._rng = rng
        self._page = page
        self._corruption: Corruption | None = None
        self._share = 0.0
        self._remembered: dict[tuple[str, ...], ListAnswer] = {}
        self._siblings: dict[str, dict[str, Rows]] = defaultdict(dict)
        #: A list that is asked for again is false in the same way: a second reading agrees with the first.
        self._chosen: dict[tuple[str, str], float | None] = {}
        self.fired: Counter[tuple[str, Corruption]] = Counter()
        self.read: set[str] = set()

    def begin(self, corruption: Corruption, *, share: float) -> None:
        """Make so many of the lists false from now on."""
        self._corruption, self._share = corruption, share
        self._chosen.clear()

    def end(self) -> None:
        """Let all answers be true."""
        self._corruption = None

    def query(self, asked: Asked) -> str:
        """The query that is answered: for fewer rows, and where a page is shifted or comes again, from another row on."""
        words = dict(parse_qsl(asked.query, keep_blank_values=True))
        first = next((word for word in _FIRST if word in words), None)
        if asked.method != "GET" or first is None:
            return asked.query
        if asked.system == "jumpcloud" or asked.path.endswith("/group/member"):
            words |= {word: str(min(int(words[word]), self._page)) for word in _MOST if word in words}
        begins = int(words[first])
        rng = self._choose(asked)
        if rng is not None and self._corruption is Corruption.SHIFTED:
            words[first] = str(begins + 1)
        elif rng is not None and self._corruption is Corruption.REPEATED and begins:
            words[first] = "0"
        return urlencode(words)

    def answer(
        self, asked: Asked, route: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> tuple[Mapping[str, str], bytes]:
        """What leaves in place of the true answer."""
        true = ListAnswer.read(status, headers, body)
        if true is None:
            return headers, body
        rng, corruption = self._choose(asked), self._corruption
        page = _page_of(asked)
        earlier = self._remembered.get(page)
        if corruption is None:
            self.read.add(f"{asked.system} {asked.method} {route}")
            self._remembered[page] = true
            self._siblings[route][asked.path] = true.rows
        if rng is None or corruption is None:
            return headers, body
        if corruption is Corruption.STALE:
            false = headers, body
            if earlier is not None:
                false = true.written(earlier.rows, total=_total(earlier))
        else:
            false = self._falsified(asked, route, true, corruption, rng)
        moved = self.query(asked) != asked.query and corruption in (Corruption.SHIFTED, Corruption.REPEATED)
        if moved or false[1] != true.written(true.rows, total=None)[1]:
            self.fired[f"{asked.system} {asked.method} {route}", corruption] += 1
        return false

    def _falsified(
        self, asked: Asked, route: str, true: ListAnswer, corruption: Corruption, rng: Random
    ) -> tuple[Mapping[str, str], bytes]:
        rows = true.rows
        match corruption:
            case Corruption.EMPTY:
                false: Rows = []
            case Corruption.TRUNCATED:
                false = rows[: rng.randrange(len(rows))] if rows else []
            case Corruption.SHIFTED if not _has_offset(asked):
                false = rows[1:]
            case Corruption.REPEATED if not _has_offset(asked):
                half = len(rows) // 2
                false = rows[:half] * 2 + rows[2 * half :]
            case Corruption.FOREIGN:
                others = [each for path, each in self._siblings[route].items() if path != asked.path and each]
                crossed = bool(others) and rng.random() < _CROSSED
                false = rng.choice(others) if crossed else _of_another_tenant(rows)
            case _:
                false = rows
        # The harder lie is the one whose total agrees with it.
        return true.written(false, total=len(false) if rng.random() < _AGREEING else None)

    def _choose(self, asked: Asked) -> Random | None:
        """A source of chance for a list that is false now; None when it is true."""
        if self._corruption is None:
            return None
        key = (asked.system, asked.path)
        if key not in self._chosen:
            self._chosen[key] = self._rng.random() if self._rng.random() < self._share else None
        chosen = self._chosen[key]
        return None if chosen is None else Random(chosen)


def _page_of(asked: Asked) -> tuple[str, ...]:
    """What makes a page the same page later: each report has an id of its own."""
    path = re.sub("/reports/[^/]+/artifacts/[^/]+/", "/", asked.path)
    return asked.system, asked.method, path, asked.query, asked.body.decode()


def _has_offset(asked: Asked) -> bool:
    return asked.method == "GET" and any(word in asked.query for word in _FIRST)


def _total(answer: ListAnswer) -> int | None:
    if isinstance(answer.document, dict):
        return next((answer.document[name] for name in _TOTAL_AT if name in answer.document), None)
    told = answer.headers.get(_TOTAL_HEADER)
    return None if told is None else int(told)


def _of_another_tenant(rows: Sequence[Any]) -> Any:
    """The rows with ids of the same form that are nobody's here."""
    text = json.dumps(list(rows))
    # The first character stays: a number does not begin with 0.
    return json.loads(_ID.sub(lambda found: found.group()[0] + found.group()[1:].translate(_OTHER), text))
