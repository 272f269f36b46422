"""How fast, how sparing and how small a sync is: calls, wall time, rate budget, memory, and a second unchanged sync."""

from __future__ import annotations

import argparse
import sys

from benchmarks import sync_budget, sync_command, sync_memory, sync_speed
from benchmarks.command import run
from benchmarks.report import Report

_SECTIONS = {
    "speed": sync_speed.measure,
    "budget": sync_budget.measure,
    "memory": sync_memory.measure,
    "command": sync_command.measure,
}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--full", action="store_true", help="also 100,000 users and 1,000,000 memberships")
    parser.add_argument("--section", choices=sorted(_SECTIONS), help="leave the others out")
    for name, size in (
        ("users", 2_000),
        ("groups", 50),
        ("memberships", 10_000),
        ("jira-users", 5_000),
        ("jira-groups", 50),
        ("jira-projects", 40),
        ("organization-projects", 160),
    ):
        parser.add_argument(f"--{name}", type=int, default=size, metavar="N", help="default %(default)s")
    parser.add_argument(
        "--memory-users",
        type=int,
        nargs="+",
        default=[1_000, 10_000],
        metavar="N",
        help="of the tenants whose syncs are watched (default 1000 10000)",
    )
    parser.add_argument(
        "--command-users",
        type=int,
        default=1200,
        metavar="N",
        help="of the largest tenant of whole commands (default 1200)",
    )
    parser.add_argument("--sync-rounds", type=int, default=2, metavar="N", help="default %(default)s")
    parser.add_argument(
        "--sample",
        type=int,
        default=60,
        metavar="N",
        help="calls of the plain client that are timed (default %(default)s)",
    )


def measure(options: argparse.Namespace) -> Report:
    """Raises ``WrongResult``."""
    report = Report("sync")
    for name, section in _SECTIONS.items():
        if options.section in {None, name}:
            section(report, options)
    return report


if __name__ == "__main__":
    sys.exit(run("benchmarks.sync", sys.modules[__name__]))
