"""Rung 0 of a leaver's Jira account: the identity provider that supplies the account shuts it, and is given time for that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from access.accounts import Account
from access.entitlements import EntitlementRef, ResourceKind
from access.message import Action
from access.operations import Request
from access.plans import SOURCE
from access.provisioning import Provisioning
from connectors.ports import Connector, Target
from store.queries.people import PeopleQueries
from tasks.services import Services

#: Between two looks.
_LOOK = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class WaitsForProvider:
    """The account is looked at again at ``until``."""

    until: datetime
    why: str = "The identity provider supplies the account, and is given time to shut it."


def provider_comes_first(
    services: Services, request: Request, account: Account, connector: Connector
) -> WaitsForProvider | None:
    """Whether a line of a plan waits for the provider to shut the account. Raises failure words."""
    due = request.message.action is Action.DEPROVISION_ACCOUNT and request.source == SOURCE
    now = services.clock.now()
    until = request.received_at + services.options.propagation
    if not due or services.mode is not Provisioning.ON or now >= until or not _is_supplied(services, account):
        return None
    target = Target(EntitlementRef(account.system, ResourceKind.ACCOUNT, ()), account.id)
    return WaitsForProvider(min(until, now + _LOOK)) if connector.observe(target).present else None


def _is_supplied(services: Services, account: Account) -> bool:
    """Whether the organization says that an identity provider supplies the account."""
    with services.store.database.read() as connection:
        row = PeopleQueries(connection).account(account.system, account.id)
    return row is not None and row["attributes"].get("management_source") == "synced"
