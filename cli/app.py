"""All commands of the command line, in the order in which ``--help`` lists them."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.accounts import accounts
from cli.alarms import list_alarms
from cli.audit import audit
from cli.claims import claims
from cli.connectors import connectors
from cli.dead_letters import dead_letters
from cli.doctor import doctor
from cli.end import end_access
from cli.entitlements import entitlements
from cli.events import events
from cli.export import export
from cli.extend import extend_access
from cli.findings import findings
from cli.forecast import show_forecast
from cli.grants import grants
from cli.leavers import leavers
from cli.ledger import show_ledger
from cli.operations import operations
from cli.options import group
from cli.people import people
from cli.plans import plans
from cli.policy import policy
from cli.receipt import print_receipt
from cli.reconcile import reconcile
from cli.requests import requests
from cli.resources import resources
from cli.restore import restore
from cli.schema import print_schema
from cli.settings import show_settings
from cli.simulate import simulate
from cli.submit import submit
from cli.sync import sync
from cli.ticketing import ticketing
from cli.tickets import tickets
from cli.truth import truth
from cli.up import up
from cli.version import print_version, version_option
from cli.waiting import list_waiting

app = group(
    "Fulfil access requests in JumpCloud and Jira Cloud, by API or by a tracked ticket, and prove it.", completes=True
)


@app.callback()
def provisor(
    _version: Annotated[
        bool, typer.Option("--version", callback=version_option, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


app.add_typer(truth, name="truth")
app.command("up")(up)
app.command(
    "simulate", context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)(simulate)
app.command("submit")(submit)
app.command("extend")(extend_access)
app.command("end")(end_access)
app.command("waiting")(list_waiting)
app.command("alarms")(list_alarms)
app.command("ledger")(show_ledger)
app.command("forecast")(show_forecast)
app.add_typer(events, name="events")
app.add_typer(requests, name="requests")
app.add_typer(operations, name="operations")
app.add_typer(tickets, name="tickets")
app.add_typer(ticketing, name="ticketing")
app.add_typer(claims, name="claims")
app.add_typer(dead_letters, name="dead-letters")
app.command("reconcile")(reconcile)
app.add_typer(findings, name="findings")
app.add_typer(plans, name="plans")
app.add_typer(policy, name="policy")
app.add_typer(restore, name="restore")
app.command("sync")(sync)
app.add_typer(accounts, name="accounts")
app.add_typer(people, name="people")
app.add_typer(leavers, name="leavers")
app.add_typer(resources, name="resources")
app.add_typer(entitlements, name="entitlements")
app.add_typer(grants, name="grants")
app.add_typer(export, name="export")
app.command("receipt")(print_receipt)
app.add_typer(audit, name="audit")
app.add_typer(connectors, name="connectors")
app.command("doctor")(doctor)
app.command("settings")(show_settings)
app.command("schema")(print_schema)
app.command("version")(print_version)
