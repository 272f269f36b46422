"""Why an address cannot be reached: its name, its port, its certificate or its silence, each in a sentence of its own."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from access.failures import Failure
from httpclient import Response
from tasks.doctor.findings import Check, Finding

#: From here on times in tickets, events and expiries are visibly wrong.
_SKEW = timedelta(minutes=1)


def unreachable(check: Check, address: str, failure: Failure, *, setting: str, timeout: timedelta) -> Finding:
    """The finding for an address that gave no response; ``setting`` is where the address was written."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if getproxies().get(parts.scheme) and not proxy_bypass(host):
        return check.problem(
            f"{host} is not reached through the proxy of this machine's environment.",
            "Check HTTPS_PROXY and NO_PROXY, and that the proxy lets this machine through.",
        )
    message, remedy = _why(parts, setting, timeout) or (
        f"{host} does not answer as a web service: {failure.what}",
        "Check what is between this machine and the service.",
    )
    return check.problem(message, remedy)


def _why(parts: SplitResult, setting: str, timeout: timedelta) -> tuple[str, str] | None:
    """What a plain connection shows, and what to do; None when nothing is wrong with that connection."""
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    place = f"{host}:{port}"
    try:
        with socket.create_connection((host, port), timeout=timeout.total_seconds()) as connection:
            if secure:
                ssl.create_default_context().wrap_socket(connection, server_hostname=host).close()
    except socket.gaierror:
        return f"The name {host} does not resolve.", f"Correct {setting}, or this machine's name service."
    except ssl.SSLCertVerificationError as exc:
        remedy = f"Let this machine trust whoever signed it (REQUESTS_CA_BUNDLE names a file), or correct {setting}."
        return f"The certificate of {host} is not trusted: {exc.verify_message}.", remedy
    except ssl.SSLError:
        return f"{place} does not speak TLS.", f"Correct {setting}, or the proxy in between."
    except TimeoutError:
        remedy = f"Let this machine through the firewall, or correct {setting}."
        return f"{place} does not answer within {timeout.total_seconds():g} seconds.", remedy
    except ConnectionRefusedError:
        return f"Nothing listens at {place}.", f"Correct {setting}."
    except OSError as exc:
        return f"{place} cannot be reached: {exc.strerror or exc}.", f"Correct {setting}, or this machine's network."
    return None


def busy(check: Check, service: str, response: Response, *, status_page: str) -> Finding | None:
    """The finding for a service that is overloaded or down, which says nothing about the settings; None for others."""
    if response.status != HTTPStatus.TOO_MANY_REQUESTS and response.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    message = f"{service} answers {response.status} at the moment."
    return check.problem(message, f"Try again later; see {status_page}.")


def clock_skew(area: str, response: Response, now: datetime) -> list[Finding]:
    """Whether this machine's clock and the service's agree; nothing when the service does not say its time."""
    check = Check(area, "clock")
    try:
        theirs = parsedate_to_datetime(response.headers.get("date", "")).astimezone(UTC)
    except ValueError:
        return []
    skew = now - theirs
    if abs(skew) <= _SKEW:
        return [check.ok("This machine's clock agrees with the service's.")]
    side = "ahead of" if skew > timedelta(0) else "behind"
    message = f"This machine's clock is {round(abs(skew).total_seconds())} seconds {side} the service's."
    return [check.problem(message, "Set it by NTP: access would end at the wrong time.")]
