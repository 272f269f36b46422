from __future__ import annotations

from collections.abc import Iterator

from access.clock import Clock
from config.settings import Settings
from config.urls import broker_proves_itself, masked
from tasks.doctor.findings import Check, Finding
from worker.broker import BrokerFault, BrokerUnusable, is_embedded, prove_broker

_ADDRESS = Check("broker", "address")
_CERTIFICATE = Check("broker", "certificate")
_CREDENTIAL = Check("broker", "credential")
_QUEUES = Check("broker", "queues")
_RIGHTS = Check("broker", "rights")

#: What each fault is found by, what is said of it, and what to do. ``broker`` is the address, ``error`` what it said.
_PROBLEMS = {
    BrokerFault.LOGIN: (
        _CREDENTIAL,
        "The broker at {broker} does not let us in ({error}).",
        "Correct user and password in broker.url.",
    ),
    BrokerFault.VIRTUAL_HOST: (
        _RIGHTS,
        "The broker at {broker} does not let us into the virtual host ({error}).",
        "Correct the virtual host in broker.url, or give the user rights there.",
    ),
    BrokerFault.RIGHTS: (
        _RIGHTS,
        "The broker at {broker} does not let us {error} our queues.",
        "Let the user configure, write and read what begins with broker.prefix and 'provisor', and write to amq.default.",
    ),
    BrokerFault.QUEUES: (
        _QUEUES,
        "The queue {error} at {broker} was made otherwise than this version makes it.",
        "Delete it when it is empty; 'provisor up' makes it.",
    ),
    BrokerFault.CERTIFICATE: (
        _CERTIFICATE,
        "The broker at {broker} does not prove who it is ({error}).",
        "Name its authority with ssl_ca_certs in broker.url, and the host as its certificate has it.",
    ),
    BrokerFault.NAME: (
        _ADDRESS,
        "The name in the broker's address {broker} does not resolve.",
        "Correct broker.url, or this machine's name service.",
    ),
    BrokerFault.CONNECTION: (
        _ADDRESS,
        "The broker at {broker} cannot be reached ({error}).",
        "Correct broker.url, or start the broker.",
    ),
}


def examine_broker(settings: Settings, _clock: Clock) -> Iterator[Finding]:
    """Whether the broker answers, lets us in, has our queues as they should be, and proves who it is."""
    shown = masked(settings.broker.url)
    if is_embedded(settings):
        yield _ADDRESS.ok("The broker is in this process; one process does all the work.")
        return
    try:
        prove_broker(settings)
    except BrokerUnusable as exc:
        check, what, remedy = _PROBLEMS[exc.fault]
        yield check.problem(what.format(broker=shown, error=exc.error), remedy)
    else:
        yield _ADDRESS.ok(f"The broker at {shown} lets us in.")
    if not broker_proves_itself(settings.broker.url):
        yield _CERTIFICATE.warning(
            "The broker need not prove who it is: its certificate, or the name in it, is not verified.",
            "Take ssl_cert_reqs and ssl_check_hostname out of broker.url, and name your authority with ssl_ca_certs.",
        )
