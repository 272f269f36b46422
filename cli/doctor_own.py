"""Proves what is Provisor's own: the policy, the store, and the broker."""

from __future__ import annotations

from collections.abc import Iterator

from access.clock import Clock
from access.provisioning import Provisioning
from config.errors import SettingsError
from config.settings import Settings
from config.urls import masked
from store.existing_store import StoreUnusable, open_existing, sqlite_file
from store.proof import why_not_writable
from tasks.doctor.findings import Area, Finding
from worker.policy import policy_from

_POLICY, _STORE, _BROKER = Area("policy"), Area("store"), Area("broker")


def examine_policy(settings: Settings, _clock: Clock) -> Iterator[Finding]:
    """Whether the policy loads, and what is odd about it."""
    if settings.policy is None:
        yield _POLICY.problem(
            "file", "No policy file is set, so every request is refused.", "Set policy to the path of one."
        )
        return
    try:
        policy, warnings = policy_from(settings)
    except SettingsError as exc:
        for problem in exc.problems:
            yield _POLICY.problem("file", problem, "Check it with 'provisor policy check'.")
        return
    yield _POLICY.ok("file", f"{settings.policy} has {len(policy.rules)} rules.")
    for warning in warnings:
        yield _POLICY.warning("file", warning, "")
    if settings.provisioning is Provisioning.OFF:
        yield _POLICY.warning(
            "provisioning",
            "Provisioning is off, so requests wait.",
            "Set provisioning to plan or on when you are ready.",
        )


def examine_store(settings: Settings, _clock: Clock) -> Iterator[Finding]:
    """Whether the store is there, in the form this version needs, and can be written to."""
    url, shown = settings.store.url.get_secret_value(), masked(settings.store.url)
    file = sqlite_file(url)
    if file is not None and not file.exists():
        folder = next(each for each in file.resolve().parents if each.exists())
        yield _STORE.unknown("form", f"There is no store at {file} yet; 'provisor up' makes it in {folder}.")
        return
    try:
        with open_existing(url, shown=shown) as store:
            yield _STORE.ok("form", f"The store at {shown} has the form of this version.")
            said = why_not_writable(store.database)
    except StoreUnusable as exc:
        yield _STORE.problem("form", exc.what, exc.remedy)
        return
    if said is not None:
        yield _STORE.problem(
            "writing", f"The store at {shown} cannot be written: {said}.", "Check who may write there, and its space."
        )
    else:
        yield _STORE.ok("writing", "It can be written.")


def examine_broker(settings: Settings, _clock: Clock) -> Iterator[Finding]:
    """Whether the broker answers and lets us in."""
    url, shown = settings.broker.url.get_secret_value(), masked(settings.broker.url)
    if url.startswith("memory:"):
        yield _BROKER.ok("address", "The broker is in this process; one process does all the work.")
        return
    from kombu import Connection
    from kombu.exceptions import OperationalError

    timeout = settings.limits.connect_timeout.total_seconds()
    options = {} if url.startswith("amqp") else {"socket_connect_timeout": timeout, "socket_timeout": timeout}
    try:
        with Connection(url, transport_options=options, connect_timeout=timeout) as connection:
            connection.ensure_connection(max_retries=1, timeout=max(1, round(timeout)))
            connection.channel()
    except (OperationalError, OSError) as exc:
        yield _refused(exc, shown)
    except Exception as exc:  # noqa: BLE001 - transports raise errors of their own for a login that was refused
        yield _refused(exc, shown)
    else:
        yield _BROKER.ok("address", f"The broker at {shown} lets us in.")


def _refused(exc: Exception, shown: str) -> Finding:
    cause = exc.__cause__ or exc
    kind = type(cause).__name__
    if any(
        word in f"{kind} {cause}".lower()
        for word in ("accessrefused", "access_refused", "authentication", "noauth", "403")
    ):
        return _BROKER.problem(
            "credential",
            f"The broker at {shown} does not let us in ({kind}).",
            "Correct user and password in broker.url.",
        )
    if kind == "gaierror":
        return _BROKER.problem(
            "address",
            f"The name in the broker's address {shown} does not resolve.",
            "Correct broker.url, or this machine's name service.",
        )
    return _BROKER.problem(
        "address", f"The broker at {shown} cannot be reached ({kind}).", "Correct broker.url, or start the broker."
    )
