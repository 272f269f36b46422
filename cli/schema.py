from __future__ import annotations

import sys


def print_schema() -> None:
    """Print the JSON Schema of requests."""
    from tasks.message_schema import schema_text

    sys.stdout.write(schema_text())
