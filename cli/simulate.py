from __future__ import annotations

import typer


def simulate(context: typer.Context) -> None:
    """Run the simulated systems.

    JumpCloud, Jira Cloud and Atlassian administration; 'provisor simulate --help' lists its own options.
    """
    from simulator.cli import main as simulator

    raise typer.Exit(simulator(context.args))
