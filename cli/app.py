from __future__ import annotations

from cli.claim_commands import claims
from cli.connector_commands import declare as declare_connectors
from cli.dead_letter_commands import dead_letters
from cli.doctor_commands import declare as declare_doctor
from cli.export_commands import export
from cli.options import group
from cli.policy_commands import policy
from cli.request_commands import requests
from cli.running_commands import declare as declare_running
from cli.setting_commands import declare as declare_settings
from cli.snapshot_commands import declare as declare_snapshots
from cli.submit_commands import declare as declare_submit
from cli.sync_commands import declare as declare_sync
from cli.ticket_commands import tickets

app = group("Fulfil access requests in JumpCloud and Jira Cloud, by API or by a tracked ticket, and prove it.")
declare_running(app)
declare_submit(app)
app.add_typer(requests, name="requests")
app.add_typer(tickets, name="tickets")
app.add_typer(claims, name="claims")
app.add_typer(dead_letters, name="dead-letters")
app.add_typer(policy, name="policy")
declare_sync(app)
declare_snapshots(app)
app.add_typer(export, name="export")
declare_connectors(app)
declare_doctor(app)
declare_settings(app)
