from __future__ import annotations

import re
from dataclasses import dataclass

from simulator.jira.jql.syntax import (
    Clause,
    Combined,
    Empty,
    Function,
    JqlError,
    Operand,
    Order,
    Query,
    Value,
    Where,
)

TOKEN = re.compile(
    r"""\s*(?:
        (?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<operator>!=|<=|>=|!~|=|<|>|~|!)
      | (?P<mark>[(),])
      | (?P<word>(?:cf\[\d+\])|[^\s"'=!<>~(),&|^;{}[\]*/%+`$#@?][^\s"'=!<>~(),&|^;{}[\]*/%`$#?]*|[+]\d+\w)
    )""",
    re.VERBOSE,
)
OPERATORS = frozenset({"=", "!=", "<", ">", "<=", ">=", "~", "!~"})
UNSUPPORTED = frozenset({"was", "changed"})


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the query; `kind` is `quoted`, `operator`, `mark`, `word` or `end`."""

    kind: str
    text: str
    at: int

    def says(self, *words: str) -> bool:
        """Return whether this is one of these unquoted words, whatever its case."""
        return self.kind != "quoted" and self.text.lower() in words


def parse(jql: str) -> Query:
    """Parse a query; raises JqlError with Jira's wording."""
    return _Parser(jql).query()


class _Parser:
    def __init__(self, jql: str) -> None:
        self._jql = jql
        self._tokens = list(_tokens(jql))
        self._place = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._place]

    def _take(self) -> Token:
        token = self._next
        if token.kind != "end":
            self._place += 1
        return token

    def query(self) -> Query:
        where = None
        if self._next.kind != "end" and not self._next.says("order"):
            where = self._either()
        order = self._order() if self._next.says("order") else ()
        if self._next.kind != "end":
            raise _unexpected(self._next, "Expecting either 'OR' or 'AND' but got '{}'.")
        return Query(where, order)

    def _either(self) -> Where:
        parts = [self._both()]
        while self._next.says("or"):
            self._take()
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Combined("or", tuple(parts))

    def _both(self) -> Where:
        parts = [self._one()]
        while self._next.says("and"):
            self._take()
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Combined("and", tuple(parts))

    def _one(self) -> Where:
        if self._next.says("not", "!"):
            self._take()
            return Combined("not", (self._one(),))
        if self._next.says("("):
            self._take()
            inner = self._either()
            self._expect(")")
            return inner
        return self._clause()

    def _clause(self) -> Clause:
        field = self._take()
        if field.kind not in {"word", "quoted"}:
            raise _unexpected(field, "Expecting a field name but got '{}'. You must surround '{}' in quotation marks.")
        operator = self._operator()
        if operator in {"in", "not in"}:
            return self._listing(field.text, operator)
        operand = self._operand()
        if operator in {"is", "is not"} and not isinstance(operand, Empty):
            raise JqlError(
                f"Error in the JQL Query: The operator '{operator}' only supports the EMPTY value "
                f"for the '{field.text}' field."
            )
        return Clause(field.text, operator, (operand,))

    def _operator(self) -> str:
        token = self._take()
        if token.kind == "end":
            raise JqlError(
                "Error in the JQL Query: Expecting operator before the end of the query. "
                "The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'."
            )
        word = token.text.lower()
        if token.kind == "operator" and token.text in OPERATORS:
            return token.text
        if word == "in" or (word == "not" and self._next.says("in")):
            if word == "not":
                self._take()
                return "not in"
            return "in"
        if word == "is":
            if self._next.says("not"):
                self._take()
                return "is not"
            return "is"
        raise _unexpected(
            token,
            "Expecting operator but got '{}'. The valid operators are "
            "'=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'.",
        )

    def _listing(self, field: str, operator: str) -> Clause:
        if not self._next.says("("):
            operand = self._operand()
            if isinstance(operand, Function):
                return Clause(field, operator, (operand,), many=True)
            raise JqlError(f"Operator '{operator}' does not support the non-list value '{_said(operand)}'.")
        self._take()
        operands = [self._operand()]
        while self._next.says(","):
            self._take()
            operands.append(self._operand())
        self._expect(")")
        return Clause(field, operator, tuple(operands), many=True)

    def _operand(self) -> Operand:
        token = self._take()
        if token.kind == "end":
            raise JqlError(
                "Error in the JQL Query: Expecting either a value, list or function before the end of the query."
            )
        if token.kind not in {"word", "quoted"}:
            raise _unexpected(token, "Expecting either a value, list or function but got '{}'.")
        if token.says("empty", "null"):
            return Empty()
        if token.kind == "word" and self._next.says("("):
            return self._function(token.text)
        return Value(token.text)

    def _function(self, name: str) -> Function:
        self._take()
        arguments: list[str] = []
        while not self._next.says(")"):
            token = self._take()
            if token.kind == "end":
                raise _unexpected(token, "Expecting ')' before the end of the query.")
            if token.text != ",":
                arguments.append(token.text)
        self._take()
        return Function(name, tuple(arguments))

    def _order(self) -> tuple[Order, ...]:
        self._take()
        self._expect("by")
        fields: list[Order] = []
        while True:
            token = self._take()
            if token.kind not in {"word", "quoted"}:
                raise _unexpected(token, "Expecting a field name but got '{}'.")
            direction = self._take().text.lower() if self._next.says("asc", "desc") else None
            fields.append(Order(token.text, direction))
            if not self._next.says(","):
                return tuple(fields)
            self._take()

    def _expect(self, word: str) -> None:
        token = self._take()
        if not token.says(word):
            raise _unexpected(token, f"Expecting '{word}' but got '{{}}'.")


def _tokens(jql: str) -> list[Token]:
    tokens: list[Token] = []
    place = 0
    while rest := jql[place:].lstrip():
        at = len(jql) - len(rest)
        found = TOKEN.match(jql, at)
        if found is None:
            raise _reserved(jql, at)
        kind = found.lastgroup or "word"
        text = found.group(kind)
        if kind == "quoted":
            text = re.sub(r"\\(.)", r"\1", text[1:-1])
        elif kind == "word" and text.lower() in UNSUPPORTED:
            raise JqlError(f"Error in the JQL Query: The simulator does not know the operator '{text}'.")
        tokens.append(Token(kind, text, at))
        place = found.end()
    tokens.append(Token("end", "", len(jql)))
    return tokens


def _reserved(jql: str, at: int) -> JqlError:
    char = jql[at]
    if char in "\"'":
        return JqlError(
            f"Error in the JQL Query: The quoted string '{jql[at + 1 :]}' has not been completed. {_where(at)}"
        )
    return JqlError(
        f"Error in the JQL Query: The character '{char}' is a reserved JQL character. You must enclose it in a string "
        f"or use the escape '\\u{ord(char):04x}' instead. {_where(at)}"
    )


def _unexpected(token: Token, message: str) -> JqlError:
    return JqlError(f"Error in the JQL Query: {message.replace('{}', token.text)} {_where(token.at)}")


def _where(at: int) -> str:
    return f"(line 1, character {at + 1})"


def _said(operand: Operand) -> str:
    return operand.text if isinstance(operand, Value) else "EMPTY"
