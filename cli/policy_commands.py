from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.options import AsJson, ConfigFile, group

policy = group("What may be given, and how.")


@policy.command("check")
def check_policy(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The policy file.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Check a policy file.

    Exit 1 when it cannot be used. What is odd about it is told as well.
    """
    from cli import policy_views

    policy_views.check(config, file, as_json=as_json)


@policy.command("explain")
def explain_policy(
    entitlement: Annotated[
        str, typer.Argument(metavar="ENTITLEMENT", help="Such as jira:project-role:PAY:Developers:assigned.")
    ],
    file: Annotated[
        Path | None, typer.Option("--policy", metavar="FILE", help="This file instead of the settings' policy.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say which rule decides.

    About an entitlement as it is written here, by names or by ids; requests are matched by both.
    """
    from cli import policy_views

    policy_views.explain(config, file, entitlement, as_json=as_json)
