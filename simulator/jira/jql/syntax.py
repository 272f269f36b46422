from __future__ import annotations

from dataclasses import dataclass


class JqlError(ValueError):
    """The query is refused; the message is what Jira puts into `errorMessages`."""


@dataclass(frozen=True, slots=True)
class Value:
    """A literal operand."""

    text: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function operand such as `currentUser()`."""

    name: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Empty:
    """The operand EMPTY or NULL."""


Operand = Value | Function | Empty


@dataclass(frozen=True, slots=True)
class Clause:
    """A comparison; `many` tells an operand in parentheses from a single one."""

    field: str
    operator: str
    operands: tuple[Operand, ...]
    many: bool = False


@dataclass(frozen=True, slots=True)
class Combined:
    """Clauses joined by `and` or `or`, or one clause under `not`."""

    operator: str
    parts: tuple[Clause | Combined, ...]


Where = Clause | Combined


@dataclass(frozen=True, slots=True)
class Order:
    """One field of ORDER BY; `direction` is None when the query does not say."""

    field: str
    direction: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query; without `where` it is unbounded."""

    where: Where | None
    order: tuple[Order, ...] = ()
