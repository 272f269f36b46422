from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import tzinfo

from simulator.jira.index import Entry
from simulator.jira.jql.moments import moment
from simulator.jira.jql.names import Names
from simulator.jira.jql.syntax import Clause, Empty, Function, JqlError, Operand, Value, Where

Test = Callable[[Entry], bool]

ATTRIBUTES: dict[str, Callable[[Entry], str | None]] = {
    "project": lambda entry: entry.project_id,
    "status": lambda entry: entry.status_id,
    "issuetype": lambda entry: entry.type_id,
    "resolution": lambda entry: entry.resolution_id,
    "assignee": lambda entry: entry.assignee,
    "reporter": lambda entry: entry.reporter,
    "creator": lambda entry: entry.creator,
    "priority": lambda entry: entry.values.get("priority"),
    "key": lambda entry: str(entry.id),
}
TIMES: dict[str, Callable[[Entry], float | None]] = {
    "created": lambda entry: entry.created,
    "updated": lambda entry: entry.updated,
    "resolved": lambda entry: entry.resolved,
}
ALIASES = {
    "issue": "key",
    "issuekey": "key",
    "id": "key",
    "type": "issuetype",
    "createddate": "created",
    "updateddate": "updated",
    "resolutiondate": "resolved",
    "label": "labels",
}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
POSITIVE = {"=", "in"}
NEGATIVE = {"!=", "not in"}


def canonical(name: str) -> str:
    """Return the field's main name in lower case."""
    return ALIASES.get(name.lower(), name.lower())


@dataclass(frozen=True, slots=True)
class Matching:
    """Turns a parsed query into a test; names are looked up once, so the test itself is cheap."""

    names: Names
    now: float
    zone: tzinfo
    strict: bool = False
    """Whether a value that does not resolve is an error."""
    warnings: list[str] = field(default_factory=list)

    def test(self, where: Where) -> Test:
        """Return a test for index entries; raises JqlError."""
        if isinstance(where, Clause):
            return self._clause(where)
        parts = [self.test(part) for part in where.parts]
        if where.operator == "not":
            return lambda entry: not parts[0](entry)
        if where.operator == "and":
            return lambda entry: all(part(entry) for part in parts)
        return lambda entry: any(part(entry) for part in parts)

    def _clause(self, clause: Clause) -> Test:
        name = canonical(clause.field)
        if name in TIMES:
            return self._time(clause, TIMES[name])
        if name == "statuscategory":
            return self._one_of(clause, self.names.category_of)
        if name in ATTRIBUTES:
            return self._one_of(clause, ATTRIBUTES[name])
        if name == "labels":
            return self._labels(clause)
        if name in {"summary", "text", "description", "comment"}:
            return _words(clause, name)
        tests = [_custom(clause, field_id) for field_id in self.names.custom_fields(clause.field)]
        if not tests:
            raise JqlError(f"Field '{clause.field}' does not exist or you do not have permission to view it.")
        return lambda entry: any(test(entry) for test in tests)

    def _time(self, clause: Clause, read: Callable[[Entry], float | None]) -> Test:
        if clause.operator in {"is", "is not"} or isinstance(clause.operands[0], Empty):
            return _presence(clause, lambda entry: read(entry) is None)
        if clause.operator not in COMPARISONS:
            raise _bad_operator(clause)
        limit = moment(clause.operands[0], field=clause.field, now=self.now, zone=self.zone)
        compare = COMPARISONS[clause.operator]

        def test(entry: Entry) -> bool:
            value = read(entry)
            return value is not None and compare(value, limit)

        return test

    def _one_of(self, clause: Clause, read: Callable[[Entry], str | None]) -> Test:
        if clause.operator in {"is", "is not"}:
            return _presence(clause, lambda entry: read(entry) is None)
        wanted: set[str | None] = self._resolved(clause)
        if clause.operator in POSITIVE:
            return lambda entry: read(entry) in wanted
        if clause.operator in NEGATIVE:
            return lambda entry: read(entry) is not None and read(entry) not in wanted
        raise _bad_operator(clause)

    def _resolved(self, clause: Clause) -> set[str | None]:
        wanted: set[str | None] = set()
        for operand in clause.operands:
            if isinstance(operand, Empty):
                wanted.add(None)
                continue
            ids = self.ids(clause.field, operand)
            if not ids:
                text = operand.text if isinstance(operand, Value) else operand.name
                problem = f"The value '{text}' does not exist for the field '{clause.field}'."
                if self.strict:
                    raise JqlError(problem)
                self.warnings.append(problem)
            wanted |= ids
        return wanted

    def ids(self, field_name: str, operand: Operand) -> set[str | None]:
        """Return the ids an operand of a field means, with None for 'unresolved'."""
        name = canonical(field_name)
        if isinstance(operand, Function):
            return set(self.names.of_function(name, operand))
        text = operand.text if isinstance(operand, Value) else ""
        if name == "resolution" and text.lower() == "unresolved":
            return {None}
        return set(self.names.of_value(name, text))

    def _labels(self, clause: Clause) -> Test:
        if clause.operator in {"is", "is not"}:
            return _presence(clause, lambda entry: not entry.labels)
        wanted = {each.text.casefold() for each in clause.operands if isinstance(each, Value)}
        empty = any(isinstance(each, Empty) for each in clause.operands)

        def has(entry: Entry) -> bool:
            return (empty and not entry.labels) or any(label.casefold() in wanted for label in entry.labels)

        if clause.operator in POSITIVE:
            return has
        if clause.operator in NEGATIVE:
            return lambda entry: bool(entry.labels) and not has(entry)
        raise _bad_operator(clause)


def conjuncts(where: Where) -> list[Clause]:
    """Return the clauses that every match has to satisfy."""
    if isinstance(where, Clause):
        return [where]
    if where.operator == "and":
        return [clause for part in where.parts for clause in conjuncts(part)]
    return []


def _presence(clause: Clause, is_empty: Test) -> Test:
    if clause.operator in {"is", "="}:
        return is_empty
    return lambda entry: not is_empty(entry)


def _words(clause: Clause, name: str) -> Test:
    if clause.operator not in {"~", "!~"} or not isinstance(clause.operands[0], Value):
        raise _bad_operator(clause)
    wanted = clause.operands[0].text.casefold().strip('"*').split()

    def has(entry: Entry) -> bool:
        text = "" if name == "description" else entry.summary.casefold()
        if name != "summary":
            text += str(entry.values.get("description", "")).casefold()
        return all(word in text for word in wanted)

    return has if clause.operator == "~" else lambda entry: not has(entry)


def _custom(clause: Clause, field_id: str) -> Test:
    if clause.operator in {"is", "is not"}:
        return _presence(clause, lambda entry: entry.values.get(field_id) is None)
    wanted = {each.text.casefold() for each in clause.operands if isinstance(each, Value)}

    def has(entry: Entry) -> bool:
        value = str(entry.values.get(field_id, "")).casefold()
        return any(each in value if clause.operator == "~" else each == value for each in wanted)

    if clause.operator in {*POSITIVE, "~"}:
        return has
    return lambda entry: entry.values.get(field_id) is not None and not has(entry)


def _bad_operator(clause: Clause) -> JqlError:
    return JqlError(f"The operator '{clause.operator}' is not supported by the '{clause.field}' field.")
