from __future__ import annotations

import sys
from pathlib import Path

import typer

from cli import output
from cli.options import AsJson


def version() -> str:
    """The version that is installed, or that of the tree that runs uninstalled."""
    import tomllib
    from importlib import metadata

    try:
        return metadata.version("provisor")
    except metadata.PackageNotFoundError:
        tree = Path(__file__).resolve().parents[1] / "pyproject.toml"
        found: str = tomllib.loads(tree.read_text(encoding="utf-8"))["project"]["version"] if tree.is_file() else "0"
        return found


def print_version(as_json: AsJson = False) -> None:
    """Print the version."""
    if as_json:
        output.print_json({"version": version()})
    else:
        sys.stdout.write(f"provisor {version()}\n")


def version_option(wanted: bool) -> None:
    """Print the version and exit, for ``provisor --version``."""
    if wanted:
        print_version()
        raise typer.Exit
