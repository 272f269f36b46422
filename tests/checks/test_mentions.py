"""Documents may only tell people to type what exists."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from checks.rules import mentions
from checks.tree import Tree

Plant = Callable[..., Tree]

MAKEFILE = {"Makefile": "test: ## Run\n"}


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("`provisor vanish`", "no such command"),
        ("`provisor dead-letters bury 3`", "no such command"),
        ("`provisor up --quickly`", "the option --quickly"),
        ("`provisor truth --last 5 guess`", "no such command"),
        ("```\n.venv/bin/provisor requests list --state done --colour\n```", "the option --colour"),
        ("Set `jira.api_tokens`.", "names the setting jira.api_tokens"),
        ("Set PROVISOR_JIRA__TOKEN.", "names the variable PROVISOR_JIRA__TOKEN"),
        ("`make tset`", "names 'make tset'"),
    ],
)
def test_what_does_not_exist_is_found(plant: Plant, page: str, words: str) -> None:
    found = [str(finding) for finding in mentions.findings(plant(MAKEFILE | {"README.md": page}))]
    assert any(words in finding for finding in found), found


@pytest.mark.parametrize(
    "page",
    [
        "`provisor up --role worker --role intake`",
        "```sh\nprovisor submit requests.json --wait | jq .\nprovisor dead-letters resend --all  # all of them\n```",
        "`provisor simulate --users 10`",
        "`provisor truth --jql 'project = ACCESS' --html truth.html`",
        "Provisor will do it, and provisor vanish is prose.",
        "`jira.api_token`, `ticketing.jira.email`, `ticketing.jira`, PROVISOR_JIRA__API_TOKEN, `make test`",
    ],
)
def test_what_exists_passes(plant: Plant, page: str) -> None:
    assert not list(mentions.findings(plant(MAKEFILE | {"README.md": page})))
