from __future__ import annotations

from worker.cli.claim_commands import claims
from worker.cli.connector_commands import declare as declare_connectors
from worker.cli.doctor_commands import declare as declare_doctor
from worker.cli.export_commands import export
from worker.cli.letter_commands import dead_letters
from worker.cli.options import group
from worker.cli.picture_commands import declare as declare_pictures
from worker.cli.policy_commands import policy
from worker.cli.request_commands import requests
from worker.cli.running_commands import declare as declare_running
from worker.cli.setting_commands import declare as declare_settings
from worker.cli.submit_commands import declare as declare_submit
from worker.cli.sync_commands import declare as declare_sync
from worker.cli.ticket_commands import tickets

app = group("Fulfil access requests in JumpCloud and Jira Cloud, by API or by a tracked ticket, and prove it.")
declare_running(app)
declare_submit(app)
app.add_typer(requests, name="requests")
app.add_typer(tickets, name="tickets")
app.add_typer(claims, name="claims")
app.add_typer(dead_letters, name="dead-letters")
app.add_typer(policy, name="policy")
declare_sync(app)
declare_pictures(app)
app.add_typer(export, name="export")
declare_connectors(app)
declare_doctor(app)
declare_settings(app)
