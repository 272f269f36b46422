"""Each rule finds what it is there to find, and lets pass what it should."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from checks import rules
from checks.checks import modules_of
from checks.rules import decisions, excuses, links, names, patches, sizes, strangers
from checks.tree import Tree

Plant = Callable[..., Tree]

OURS = {"access/__init__.py": "", "worker/__init__.py": ""}
#: Written in parts, so that the rule does not find them here.
HOST = "https://" + "pyp" + "i.org/simple"
PLACE = "/ro" + "ot/provisor"
HOME = "/ho" + "me/ada/provisor"

REASON = "- the wire's name"


def adr(number: int, *, title: str = "A decision", sections: str = "Context Decision Consequences Rejected") -> str:
    return f"# {number}. {title}\n\n" + "\n".join(f"## {name}\n\nWords.\n" for name in sections.split())


FOUND: list[tuple[ModuleType, dict[str, str], str]] = [
    (sizes, {"access/policy.py": "x = 1\n" * 501}, "501 lines"),
    (sizes, {"tests/access/test_policy.py": "x = 1\n" * 701}, "701 lines"),
    (sizes, {f"access/m{n}.py": "x = 1\n" * 200 for n in range(3)}, "median"),
    (sizes, {f"access/m{n}.py": "x = 1\n" * (10 if n < 8 else 400) for n in range(10)}, "90th percentile"),
    (names, {"access/utils.py": ""}, "'utils'"),
    (names, {"access/http_helpers.py": ""}, "'http_helpers'"),
    (names, {"tests/common/__init__.py": ""}, "'common'"),
    (patches, OURS | {"tests/test_x.py": "monkeypatch.setattr('access.clock.x', 1)\n"}, "patches our own"),
    (patches, OURS | {"tests/test_x.py": "import access.clock\nmonkeypatch.setattr(access.clock, 'x', 1)\n"}, "own"),
    (patches, OURS | {"tests/test_x.py": "from access import clock\nmonkeypatch.setattr(clock.C, 'x', 1)\n"}, "own"),
    (excuses, {"access/x.py": "x = 1  # noqa\n"}, "'noqa'"),
    (excuses, {"access/x.py": "x = 1  # noqa: N815\n"}, "'noqa'"),
    (excuses, {"access/x.py": "x = 1  # noqa: N815 -\n"}, "'noqa'"),
    (excuses, {"access/x.py": "x = 1  # type: ignore # the stubs are wrong\n"}, "'type: ignore'"),
    (excuses, {"access/x.py": "x = 1  # type: ignore[misc]\n"}, "'type: ignore'"),
    (strangers, {"requirements.lock": f"--index-url {HOST}\n"}, "package registry"),
    (strangers, {"docs/x.md": f"cd {PLACE}\n"}, "a path of one machine"),
    (strangers, {"Makefile": f"P={HOME}\n"}, "a path of one machine"),
    (decisions, {"docs/adr/README.md": "", "docs/adr/0002-late.md": adr(2)}, "next in order is 1"),
    (decisions, {"docs/adr/README.md": "", "docs/adr/1-short.md": adr(1)}, "not named"),
    (decisions, {"docs/adr/README.md": "", "docs/adr/0001-x.md": adr(1)}, "does not list 0001-x.md"),
    (decisions, {"docs/adr/0001-x.md": adr(2)}, "does not begin with '# 1. '"),
    (decisions, {"docs/adr/0001-x.md": adr(1, sections="Context Decision")}, "Consequences"),
    (decisions, {"docs/adr/0001-x.md": adr(1) + "\n" * 70}, "one page"),
    (links, {"README.md": "[x](docs/gone.md)\n"}, "not in the project"),
    (links, {"README.md": "[x](#no-such-heading)\n# Title\n"}, "no such heading"),
    (links, {"README.md": "[x](docs/a.md#gone)\n", "docs/a.md": "# A\n"}, "no such heading"),
    (links, {"README.md": "", "docs/lonely.md": "# A\n"}, "linked from nowhere"),
]

PASSED: list[tuple[ModuleType, dict[str, str]]] = [
    (sizes, {"access/policy.py": "x = 1\n" * 150, "tests/test_x.py": "x = 1\n" * 700}),
    (sizes, {"store/migrations/versions/0001_x.py": "x = 1\n" * 900}),
    (names, {"access/claims.py": "", "tests/checks/test_names.py": ""}),
    (patches, OURS | {"tests/test_x.py": "import os\nmonkeypatch.setattr(os, 'cpu_count', one)\n"}),
    (patches, OURS | {"tests/test_x.py": "monkeypatch.setenv('PROVISOR_CONFIG', 'x')\n"}),
    (excuses, {"access/x.py": f"x = 1  # noqa: N815, A003 {REASON}\ny = '# noqa'\n"}),
    (excuses, {"access/x.py": "x = 1  # type: ignore[misc] # the stubs know only None\n"}),
    (strangers, {"docs/x.md": "https://example.com/work/ and ./root/ and ~/work/ and {base}/home/x\n"}),
    (decisions, {"docs/adr/README.md": "[1](0001-x.md)", "docs/adr/0001-x.md": adr(1)}),
    (
        links,
        {"README.md": "[x](docs/a.md#the-a--b) `[y](gone)`\n```\n[z](gone)\n```\n", "docs/a.md": "## The `A` & B!\n"},
    ),
    (
        links,
        {"README.md": "[x](docs/) [y](https://example.com/gone)\n", "docs/a.md": "# A\n[r](../docs/a.md)\n"},
    ),
]


@pytest.mark.parametrize(("rule", "files", "words"), FOUND)
def test_a_rule_finds_what_breaks_it(plant: Plant, rule: ModuleType, files: dict[str, str], words: str) -> None:
    found = [str(finding) for finding in rule.findings(plant(files))]
    assert any(words in finding for finding in found), found


@pytest.mark.parametrize(("rule", "files"), PASSED)
def test_a_rule_lets_pass_what_keeps_it(plant: Plant, rule: ModuleType, files: dict[str, str]) -> None:
    found = [str(finding) for finding in rule.findings(plant(files))]
    assert not [finding for finding in found if "linked from nowhere" not in finding]


def test_every_rule_says_what_it_wants_and_is_tried_both_ways() -> None:
    elsewhere = {"contracts", "locks", "mentions", "settings"}
    for rule in modules_of(rules):
        assert (rule.__doc__ or "").strip().endswith("."), rule
        name = rule.__name__.rpartition(".")[2]
        if name not in elsewhere:
            assert any(tried is rule for tried, *_ in FOUND), name
            assert any(tried is rule for tried, _ in PASSED), name
