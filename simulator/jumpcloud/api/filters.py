"""The filter languages of v1 (`field:$op:value`), v2 (`field:op:value`) and the v1 search body."""

import fnmatch
import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from starlette.datastructures import QueryParams

from simulator.jumpcloud.errors import ApiError
from simulator.jumpcloud.fields import check_texts

Fields = Callable[[str], Any]
"""Gives a field's value by its name on the wire."""
Test = Callable[[Fields], bool]

_V1_OPS: dict[str, Callable[[str, str], bool]] = {
    "$eq": lambda have, want: have == want,
    "$ne": lambda have, want: have != want,
    "$gt": lambda have, want: have > want,
    "$gte": lambda have, want: have >= want,
    "$lt": lambda have, want: have < want,
    "$lte": lambda have, want: have <= want,
}
_V2_OPS: dict[str, Callable[[str, str], bool]] = {
    "eq": fnmatch.fnmatchcase,
    "ne": lambda have, want: not fnmatch.fnmatchcase(have, want),
    "gt": lambda have, want: have > want,
    "ge": lambda have, want: have >= want,
    "lt": lambda have, want: have < want,
    "le": lambda have, want: have <= want,
    "between": lambda have, want: want.partition("|")[0] <= have <= want.partition("|")[2],
    "search": lambda have, want: want.casefold() in have.casefold(),
    "in": lambda have, want: have in want.split("|"),
}
_V2_SPLIT = re.compile(rf",(?=[\w.]+:(?:{'|'.join(_V2_OPS)}):)")
"""A comma ends a v2 filter only where another one begins: values may hold commas."""


def text_of(value: Any) -> str:
    """Return a value as filters compare it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def v1_query(query: QueryParams, without_dollar: str) -> tuple[str, Test | None, dict[str, str]]:
    """Return the filter of a v1 list: its canonical text, the test (None for no filter), and its plain equalities."""
    every: list[str] = []
    some: list[str] = []
    for name, value in query.multi_items():
        if name.startswith("filter"):
            (some if name.startswith("filter[or]") else every).append(value)
    tests = [_v1_test(text, without_dollar) for text in every]
    if some:
        tests.append(_any([_v1_test(text, without_dollar) for text in some]))
    equal = {}
    if not some:
        for text in every:
            field, _, rest = text.partition(":")
            op, _, value = rest.partition(":")
            if op == "$eq":
                equal[field] = value
    return repr((every, some)), _all(tests) if tests else None, equal


def v2_query(values: Iterable[str], fields: Sequence[str]) -> tuple[str, Test | None]:
    """Return the filter of a v2 list: its canonical text and the test; raises ApiError for fields it does not take."""
    texts = [text for value in values for text in _V2_SPLIT.split(value) if text]
    tests = []
    for text in texts:
        field, op, value = _three(text)
        if op not in _V2_OPS:
            raise ApiError(400, f"Invalid filter operator: {op}")
        if field not in fields and not any(known.endswith("*") and field.startswith(known[:-1]) for known in fields):
            raise ApiError(400, f"Invalid filter field: {field}")
        tests.append(_compare(field, _V2_OPS[op], value))
    return repr(texts), _all(tests) if tests else None


def search_body(body: dict[str, Any], default_fields: Sequence[str]) -> tuple[str, Test | None]:
    """Return the `filter` and `searchFilter` of a v1 search: canonical text and test; raises ApiError."""
    tests = []
    if body.get("filter"):
        tests.append(_search_filter(body["filter"]))
    if body.get("searchFilter"):
        tests.append(_search_term(body["searchFilter"], default_fields))
    key = json.dumps([body.get("filter"), body.get("searchFilter")], sort_keys=True)
    return key, _all(tests) if tests else None


def v1_search(query: QueryParams, default_fields: Sequence[str]) -> tuple[str, Test | None]:
    """Return the `search` parameter of a v1 list, as JSON or in brackets."""
    found: dict[str, Any] = {}
    for name, value in query.multi_items():
        if name == "search":
            found |= _json_object(value)
        elif name.startswith("search[searchTerm]"):
            found.setdefault("searchTerm", []).append(value)
        elif name.startswith("search[fields]"):
            found.setdefault("fields", []).extend(value.split())
    if not found:
        return "", None
    return json.dumps(found, sort_keys=True), _search_term(found, default_fields)


def _v1_test(text: str, without_dollar: str) -> Test:
    field, op, value = _three(text)
    if op in _V1_OPS:
        return _compare(field, _V1_OPS[op], value)
    if op.startswith("$") or without_dollar == "reject":
        raise ApiError(400, f"Invalid filter operator: {op}")
    return lambda _: without_dollar == "ignore"


def _compare(field: str, op: Callable[[str, str], bool], want: str) -> Test:
    return lambda fields: op(text_of(fields(field)), want)


def _search_filter(condition: Any) -> Test:
    if isinstance(condition, list):
        return _all([_search_filter(part) for part in condition])
    if not isinstance(condition, dict):
        raise ApiError(400, "filter must be an object or an array of objects")
    tests = []
    for name, value in condition.items():
        if name in {"and", "or"}:
            if not isinstance(value, list):
                raise ApiError(400, f"{name} must be a list of conditions")
            parts = [_search_filter(part) for part in value]
            tests.append(_all(parts) if name == "and" else _any(parts))
        elif isinstance(value, dict):
            if unknown := set(value) - set(_V1_OPS):
                raise ApiError(400, f"Invalid filter operator: {min(unknown)}")
            tests.extend(_compare(name, _V1_OPS[op], text_of(want)) for op, want in value.items())
        else:
            tests.append(_compare(name, _V1_OPS["$eq"], text_of(value)))
    return _all(tests)


def _search_term(search: dict[str, Any], default_fields: Sequence[str]) -> Test:
    term = search.get("searchTerm", "")
    terms = [str(one).casefold() for one in (term if isinstance(term, list) else [term])]
    names = search.get("fields") or default_fields
    names = (
        names.split()
        if isinstance(names, str)
        else check_texts("fields", [*names] if isinstance(names, (list, tuple)) else names)
    )
    return lambda fields: any(one in text_of(fields(name)).casefold() for one in terms for name in names)


def _three(text: str) -> tuple[str, str, str]:
    field, _, rest = text.partition(":")
    op, found, value = rest.partition(":")
    if not found:
        raise ApiError(400, f"Invalid filter: {text}")
    return field, op, value


def _json_object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as exc:
        raise ApiError(400, "search must be an object") from exc
    if not isinstance(found, dict):
        raise ApiError(400, "search must be an object")
    return found


def _all(tests: Sequence[Test]) -> Test:
    return lambda fields: all(test(fields) for test in tests)


def _any(tests: Sequence[Test]) -> Test:
    return lambda fields: any(test(fields) for test in tests)
