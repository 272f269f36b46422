from __future__ import annotations

from cli.options import AsJson, ConfigFile
from cli.output import print_listing
from cli.store_access import load_settings

_COLUMNS = ("key", "value", "from")


def show_settings(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List the settings in force, each with its value and where that was written. Secrets are never shown."""
    settings = load_settings(config)
    origins = settings.origins()
    rows = [
        {"key": key, "value": value, "from": origins.get(key, "default")} for key, value in settings.describe().items()
    ]
    print_listing(rows, _COLUMNS, none="No settings.", as_json=as_json)
