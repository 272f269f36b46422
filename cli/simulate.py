from __future__ import annotations

import typer


def simulate(context: typer.Context) -> None:
    """Run the simulated JumpCloud, Jira Cloud and Atlassian administration. Its own --help lists its options."""
    from simulator.cli import main as simulator

    raise typer.Exit(simulator(context.args))
