"""Why an address cannot be reached: its name, its port, its certificate or its silence, each in a sentence of its own."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from access.failures import Failure
from httpclient import Response
from tasks.doctor.findings import Area, Finding

#: From here on times in tickets, events and expiries are visibly wrong.
_SKEW = timedelta(minutes=1)


def unreachable(area: Area, check: str, address: str, failure: Failure, *, setting: str, timeout: timedelta) -> Finding:
    """The finding for an address that gave no answer; ``setting`` is where it was written."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if getproxies().get(parts.scheme) and not proxy_bypass(host):
        return area.problem(
            check,
            f"{host} is not reached through the proxy of this machine's environment.",
            "Check HTTPS_PROXY and NO_PROXY, and that the proxy lets this machine through.",
        )
    message, remedy = _why(parts, timeout=timeout) or (
        f"{host} does not answer as a web service: {failure.what}",
        "Check what is between this machine and the service.",
    )
    return area.problem(check, message, remedy.replace("{setting}", setting))


def _why(parts: SplitResult, *, timeout: timedelta) -> tuple[str, str] | None:
    """What a connection by hand shows; None when it shows nothing wrong."""
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    try:
        with socket.create_connection((host, port), timeout=timeout.total_seconds()) as connection:
            if secure:
                with ssl.create_default_context().wrap_socket(connection, server_hostname=host):
                    pass
    except socket.gaierror:
        return (f"The name {host} does not resolve.", "Correct {setting}, or this machine's name service.")
    except ssl.SSLCertVerificationError as exc:
        return (
            f"The certificate of {host} is not trusted: {exc.verify_message}.",
            "Let this machine trust whoever signed it (REQUESTS_CA_BUNDLE names a file), or correct {setting}.",
        )
    except ssl.SSLError:
        return (f"{host}:{port} does not speak TLS.", "Correct {setting}, or the proxy in between.")
    except TimeoutError:
        return (
            f"{host}:{port} does not answer within {timeout.total_seconds():g} seconds.",
            "Let this machine through the firewall, or correct {setting}.",
        )
    except ConnectionRefusedError:
        return (f"Nothing listens at {host}:{port}.", "Correct {setting}.")
    except OSError as exc:
        return (
            f"{host}:{port} cannot be reached: {exc.strerror or exc}.",
            "Correct {setting}, or this machine's network.",
        )
    return None


def clock(area: Area, answer: Response, now: datetime) -> Finding | None:
    """Whether this machine's clock and the service's agree; None when the service does not say."""
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
    except ValueError:
        return None
    skew = now - theirs
    if abs(skew) <= _SKEW:
        return area.ok("clock", "This machine's clock agrees with the service's.")
    side = "ahead of" if skew > timedelta(0) else "behind"
    return area.problem(
        "clock",
        f"This machine's clock is {round(abs(skew).total_seconds())} seconds {side} the service's.",
        "Set it by NTP: access would end at the wrong time.",
    )
