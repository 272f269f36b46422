from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path


def version() -> str:
    """The version that is installed, or that of the tree this runs from."""
    try:
        return metadata.version("provisor")
    except metadata.PackageNotFoundError:
        tree = Path(__file__).resolve().parents[2] / "pyproject.toml"
        found: str = tomllib.loads(tree.read_text(encoding="utf-8"))["project"]["version"] if tree.is_file() else "0"
        return found
