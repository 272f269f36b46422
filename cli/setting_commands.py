from __future__ import annotations

import sys

import typer

from cli.options import AsJson, ConfigFile


def declare(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("settings")(show_settings)
    app.command("schema")(print_schema)
    app.command("version")(print_version)


def show_settings(
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """List the settings in force.

    Each with its value and where that was written. Secrets are never shown.
    """
    from cli import setting_views

    setting_views.show(config, as_json=as_json)


def print_schema() -> None:
    """Print the JSON Schema of requests."""
    from tasks.message_schema import schema_text

    sys.stdout.write(schema_text())


def print_version(as_json: AsJson = False) -> None:
    """Print the version."""
    from cli import output
    from cli.version import version

    if as_json:
        output.print_json({"version": version()})
    else:
        sys.stdout.write(f"provisor {version()}\n")
