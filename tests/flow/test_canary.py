"""No secret leaves by any way out, though services repeat it wherever they can."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
import yaml
from sqlalchemy import text

from access.clock import MeasuredClock
from provisor.__main__ import main
from simulator.systems import dump
from tests.flow.simulated_stack import SimulatedStack
from worker.heartbeats import Heartbeats
from worker.metrics import Figures, as_text, registry_of

#: The commands that show or write what there is.
COMMANDS = (
    "requests list --json -n 0",
    "operations list --json -n 0",
    "tickets list --json -n 0",
    "claims list --json -n 0",
    "dead-letters list --json -n 0",
    "events list --json",
    "waiting --json",
    "alarms --all --json",
    "connectors --json",
    "settings --json",
    "export requests --format jsonl",
    "export audit --format csv",
    "doctor --json",
)


@pytest.fixture
def echoes(stack: SimulatedStack) -> list[str]:
    """Each service answers writes of access with its own credential, in body and headers. Gives all forms of both."""
    settings = stack.process.provisor.settings
    key, token = settings.jumpcloud.api_key, settings.jira.api_token
    assert key is not None
    assert token is not None
    pair = base64.b64encode(f"{settings.jira.email}:{token.get_secret_value()}".encode()).decode()
    known = {"jumpcloud": [key.get_secret_value()], "jira": [token.get_secret_value(), pair]}
    for system, path in (("jumpcloud", "/usergroups/"), ("jira", "/role/")):
        said = " ".join(known[system])
        body = {"message": said} if system == "jumpcloud" else {"errorMessages": [said], "errors": {}}
        headers = {"x-request-id": said, "atl-traceid": said}
        stack.faults.add(system=system, method="POST", path=path, status=400, body=body, headers=headers)
    return [each for secrets in known.values() for each in secrets]


@pytest.mark.long
def test_no_way_out_has_a_secret(
    stack: SimulatedStack,
    echoes: list[str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    email, team = stack.company.person(), stack.company.jumpcloud_group()
    refused = [
        stack.grant(email, f"jumpcloud:group:{team}:member"),
        stack.grant(email, "jira:project-role:PAY:Developers:assigned"),
    ]
    stack.send({"id": "no request", "api_token": "x"})

    def told() -> bool:
        with stack.store.read() as work:
            return all(stack.tickets(each) or ((found := work.requests.get(each)) and found.reason) for each in refused)

    stack.until(told, what="what became of the refused requests")
    ways_out = {"log": caplog.text, "said by the process": "".join(capsys.readouterr())}
    with stack.store.database.read() as connection:
        tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        ways_out |= {
            f"table {name}": str(connection.execute(text(f'SELECT * FROM "{name}"')).all())  # noqa: S608 - its own names
            for name in tables
        }
    ways_out["tickets"] = json.dumps(dump(stack.company.jira)["issues"])
    settings = stack.process.provisor.settings
    clock = MeasuredClock(stack.store.now)
    figures = Figures(stack.store, clock, Heartbeats(), version="1", provisioning=lambda: "on")
    ways_out["figures"] = as_text(registry_of(figures)).decode()
    file = tmp_path / "provisor.yaml"
    file.write_text(yaml.safe_dump(stack.company.settings(tmp_path, settings.store.url.get_secret_value())))
    for command in COMMANDS:
        with pytest.raises(SystemExit):
            main([*command.split(), "-c", str(file)])
        ways_out[command] = "".join(capsys.readouterr())
    assert any(refused[0] in shown for shown in ways_out.values())
    assert [(way, each) for way, shown in ways_out.items() for each in echoes if each in shown] == []
    assert "[secret]" in ways_out["table operations"] + ways_out["table requests"] + ways_out["table tickets"]
    empty = [command for command in COMMANDS if "Usage:" in ways_out[command] or "Error" in ways_out[command]]
    assert empty == []
