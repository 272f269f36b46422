"""The `search_term` of Directory Insights: and, or, not over fields with dotted names."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from simulator.jumpcloud.errors import ApiError

EventTest = Callable[[Mapping[str, Any]], bool]

_NOT_SEARCHABLE = ("changes", "useragent", "system_timestamp")


def term_test(term: Any, *, insensitive: bool) -> EventTest:
    """Return the test that a search term stands for; raises ApiError when it makes no sense."""
    if not isinstance(term, dict):
        raise ApiError(400, "search_term must be an object")
    tests = [_one(name, value, insensitive=insensitive) for name, value in term.items()]
    return lambda event: all(test(event) for test in tests)


def field_values(event: Mapping[str, Any], name: str) -> Iterator[str]:
    """Return the values of a field with a dotted name, lower-case as the service stores them."""
    found: list[Any] = [event]
    for step in name.split("."):
        found = [thing[step] for thing in found if isinstance(thing, Mapping) and step in thing]
    for value in found:
        for single in value if isinstance(value, list) else [value]:
            if not isinstance(single, Mapping):
                yield str(single).lower()


def _one(name: str, value: Any, *, insensitive: bool) -> EventTest:
    if name in {"and", "or", "not"}:
        parts = value if isinstance(value, list) else [value]
        tests = [term_test(part, insensitive=insensitive) for part in parts]
        if name == "and":
            return lambda event: all(test(event) for test in tests)
        if name == "or":
            return lambda event: any(test(event) for test in tests)
        return lambda event: not any(test(event) for test in tests)
    if name.partition(".")[0] in _NOT_SEARCHABLE:
        raise ApiError(400, f"{name} is not searchable")
    wanted = {_text(one) for one in (value if isinstance(value, list) else [value])}
    if insensitive:
        wanted = {text.lower() for text in wanted}
    return lambda event: not wanted.isdisjoint(field_values(event, name))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
