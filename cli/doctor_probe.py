from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path

from access.clock import Clock
from access.entitlements import EntitlementRef
from cli.export_files import whole_file
from cli.version import version
from config.settings import Settings
from tasks.doctor.assumptions.cassette import Cassette
from tasks.doctor.findings import Finding
from worker.systems.definition import Systems


def probe_systems(
    settings: Settings, clock: Clock, systems: Systems, scratch: Collection[EntitlementRef], file: Path | None
) -> Sequence[Finding]:
    """What each connected system shows of what the contracts assume; the cassette is written to ``file``, if there is one."""
    cassette = Cassette()
    findings = [finding for kit in systems.values() for finding in kit.probing(settings, clock, scratch, cassette.add)]
    if file is not None:
        with whole_file(file) as sink:
            document = cassette.document(findings, version=version())
            sink.write(json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n")
    return findings
