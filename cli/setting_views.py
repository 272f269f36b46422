from __future__ import annotations

from pathlib import Path

from cli import output
from cli.store_access import load_settings

_COLUMNS = {"key": "setting", "value": "value", "from": "from"}


def show(config: Path | None, *, as_json: bool) -> None:
    """Print every setting with its value, and where it was written."""
    settings = load_settings(config)
    origins = settings.origins()
    rows = [
        {"key": key, "value": value, "from": origins.get(key, "default")} for key, value in settings.describe().items()
    ]
    if as_json:
        output.print_json(rows)
    else:
        output.print_table(rows, _COLUMNS, none="No settings.")
