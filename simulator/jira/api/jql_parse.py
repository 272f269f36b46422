from __future__ import annotations

from typing import Any

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.operation import Operation
from simulator.jira.api.responses import answer, refuse
from simulator.jira.jql.matching import Matching
from simulator.jira.jql.parser import parse
from simulator.jira.jql.syntax import Clause, Empty, Function, JqlError, Operand, Query, Where


def parsed(call: Call) -> Response:
    """Parse queries, and unless `validation=none` look up what they name."""
    queries = call.members().get("queries")
    if not isinstance(queries, list) or not queries or not all(isinstance(each, str) for each in queries):
        raise refuse(400, "At least one query has to be provided.")
    mode = call.query("validation") or "strict"
    if mode not in {"strict", "warn", "none"}:
        raise refuse(400, f"The validation '{mode}' is not valid.")
    return answer({"queries": [_parsed(call, each, mode) for each in queries]})


def _parsed(call: Call, jql: str, mode: str) -> dict[str, Any]:
    try:
        query = parse(jql)
    except JqlError as error:
        return {"query": jql, "errors": [str(error)]}
    document: dict[str, Any] = {"query": jql, "structure": _structure(query)}
    if mode == "none" or query.where is None:
        return document
    world = call.world
    matching = Matching(world.names(call.caller), world.now(), call.zone, strict=mode == "strict")
    try:
        matching.test(query.where)
    except JqlError as error:
        return {"query": jql, "errors": [str(error)]} if mode == "strict" else {**document, "warnings": [str(error)]}
    return {**document, "warnings": matching.warnings} if matching.warnings else document


def _structure(query: Query) -> dict[str, Any]:
    document: dict[str, Any] = {}
    if query.where is not None:
        document["where"] = _clause(query.where)
    if query.order:
        fields = []
        for part in query.order:
            field: dict[str, Any] = {"field": {"name": part.field}}
            fields.append({**field, "direction": part.direction} if part.direction else field)
        document["orderBy"] = {"fields": fields}
    return document


def _clause(where: Where) -> dict[str, Any]:
    if isinstance(where, Clause):
        operands = [_operand(each) for each in where.operands]
        operand = {"values": operands} if where.many else operands[0]
        return {"field": {"name": where.field}, "operator": where.operator, "operand": operand}
    return {"operator": where.operator, "clauses": [_clause(each) for each in where.parts]}


def _operand(operand: Operand) -> dict[str, Any]:
    if isinstance(operand, Empty):
        return {"keyword": "empty"}
    if isinstance(operand, Function):
        return {"function": operand.name, "arguments": list(operand.arguments)}
    return {"value": operand.text}


OPERATIONS = (
    Operation(
        "POST", "/jql/parse", parsed, "read:jira-work", "read:field read:jql validate:jql", login="open", reads=True
    ),
)
