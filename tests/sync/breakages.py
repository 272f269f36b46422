"""What any service over HTTP may answer instead of what was asked for."""

from __future__ import annotations

from typing import Any

from tests.sync.sync_harness import Quirk

HTML = "<html><body><h1>Bad gateway</h1></body></html>"

#: What is worth another try, whatever the call.
PASSING: dict[str, dict[str, Any]] = {
    "an HTML page and 200": {"status": 200, "body": HTML},
    "an HTML page and 502": {"status": 502, "body": HTML},
    "half a body": {"truncate_to": 300},
    "a connection that breaks in the body": {"break_after": 300},
    "a connection that ends before an answer": {"drop": "before"},
    "a connection that is reset after the call": {"drop": "after", "reset": True},
}


def always(system: str, **fault: Any) -> dict[str, Any]:
    return {"system": system, "times": None, **fault}


def once(system: str, **fault: Any) -> dict[str, Any]:
    return {"system": system, **fault}


def breakages(system: str, **paths: str) -> list[Quirk]:
    """Quirks of two lists, the first of which is read before the second."""
    (first, path), (second, other) = paths.items()
    return [
        *(
            Quirk(f"{what}, once, on {where}", faults=[once(system, path=at, **fault)])
            for (what, fault), (where, at) in zip(PASSING.items(), [(first, path), (second, other)] * 3, strict=True)
        ),
        *(
            Quirk(f"{what}, once, on {where}", faults=[once(system, path=at, **fault)])
            for (what, fault), (where, at) in zip(PASSING.items(), [(second, other), (first, path)] * 3, strict=True)
        ),
        Quirk("a minute's 429", faults=[once(system, path=other, status=429, headers={"retry-after": "60"})]),
        Quirk(
            "a 503 with a wait of a minute", faults=[once(system, path=path, status=503, headers={"retry-after": "60"})]
        ),
        Quirk("a second's 429", faults=[once(system, path=path, status=429, headers={"retry-after": "1"})]),
        Quirk("a 429 without a word", faults=[once(system, path=other, status=429)]),
    ]


def refusals(system: str, **paths: str) -> list[Quirk]:
    """The same for what is worth no other try, or stays as it is."""
    path, other = paths.values()
    elsewhere = {"location": "http://elsewhere.example/"}
    return [
        Quirk("an HTML page, always", faults=[always(system, path=path, status=200, body=HTML)], fails="was not JSON"),
        Quirk(
            "another shape",
            faults=[always(system, path=path, status=200, body={"rows": 1})],
            fails="a shape Provisor does not",
        ),
        Quirk("a redirect", faults=[always(system, path=path, status=302, headers=elsewhere)], fails="redirect"),
        Quirk("a call that is gone", faults=[always(system, path=path, status=410)], fails="needs an update"),
        Quirk(
            "a call that is refused half-way", faults=[once(system, path=other, status=401)], fails="refused Provisor's"
        ),
    ]
