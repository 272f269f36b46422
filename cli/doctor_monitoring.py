from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException

from access.clock import Clock
from config.settings import Settings
from tasks.doctor.findings import Check, Finding

_ADDRESS = Check("monitoring", "address")

_ANSWERS_WITHIN_SECONDS = 2.0


def examine_monitoring(settings: Settings, _clock: Clock) -> Iterator[Finding]:
    """Whether the address for monitoring can be listened at, or a Provisor does so already."""
    address = settings.telemetry.listen
    if address is None:
        return
    host, _, port = address.rpartition(":")
    at = host.strip("[]"), int(port)
    try:
        socket.create_server(at, family=socket.AF_INET6 if ":" in at[0] else socket.AF_INET).close()
    except OSError as exc:
        if _answers(*at):
            yield _ADDRESS.ok(f"A Provisor answers at {address}.")
            return
        yield _ADDRESS.problem(
            f"telemetry.listen: {address} cannot be listened at ({exc.strerror}).",
            "Choose another, or end what has it.",
        )
    else:
        yield _ADDRESS.ok(f"{address} is free to be listened at.")


def _answers(host: str, port: int) -> bool:
    """Whether what listens there is the door of a Provisor."""
    connection = HTTPConnection(host, port, timeout=_ANSWERS_WITHIN_SECONDS)
    with closing(connection), suppress(OSError, HTTPException):
        connection.request("GET", "/live")
        return connection.getresponse().getheader("Server", "").startswith("Provisor")
    return False
