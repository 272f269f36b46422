"""What is compared: a snapshot, and the resources that it shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from access.entitlements import System


@dataclass(frozen=True, slots=True)
class Shown:
    """The snapshot that is compared: its system, its run, and when it began to be read; ``since`` is when the last one did."""

    system: System
    run_id: str
    began_at: datetime
    since: datetime


@dataclass(frozen=True, slots=True)
class ShownResource:
    """A resource that access is to, as the snapshot shows it; of a project role with the key of its project.

    ``of_product``: the system puts new accounts of a product into the group.
    """

    kind: str
    id: str
    name: str
    parent_key: str | None
    of_product: bool = False
