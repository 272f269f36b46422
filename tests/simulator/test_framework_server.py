import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from simulator.jumpcloud import World
from simulator.jumpcloud.world import API_KEY
from simulator.server import Simulators

ROOT = Path(__file__).parents[2]


def test_addresses_are_good_before_anything_is_served() -> None:
    simulators = Simulators(jumpcloud=World())
    address = urlsplit(simulators.jumpcloud_url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=1):
        pass
    simulators.stop()


def test_a_system_that_was_not_asked_for_has_no_address() -> None:
    with Simulators(jumpcloud=World()) as running, pytest.raises(KeyError):
        _ = running.jira_url


def test_atlassian_needs_a_jira_world() -> None:
    with pytest.raises(ValueError, match="needs a Jira world"):
        Simulators(atlassian=True)


def test_a_taken_port_is_an_error_and_leaves_nothing_open() -> None:
    with Simulators(jumpcloud=World()) as running:
        port = int(running.jumpcloud_url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            Simulators(jumpcloud=World(), ports={"jumpcloud": port})


def test_stopping_ends_what_is_held() -> None:
    simulators = Simulators(jumpcloud=World())
    with simulators:
        simulators.faults.add(hold="before")
        with pytest.raises(requests.ReadTimeout):
            requests.get(simulators.jumpcloud_url + "/api/systemusers", timeout=0.1)
    simulators.stop()


def test_the_control_door_stays_on_the_loopback() -> None:
    with Simulators(jumpcloud=World(), host="0.0.0.0") as running:  # noqa: S104 - that is the rule
        assert running.control_url.startswith("http://127.0.0.1:")


def _command(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "simulator", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_prints_where_it_is_serves_and_leaves_the_truth_behind(tmp_path: Path) -> None:
    file = tmp_path / "truth.json"
    process = _command(
        *("--jumpcloud-port", "0", "--control-port", "0", "--users", "5", "--json", "--state", str(file))
    )
    with process:
        assert process.stdout is not None
        where = json.loads(process.stdout.readline())
        assert process.stdout.readline() == "ready\n"
        url = where["jumpcloud"]["url"] + "/api/systemusers"
        users = requests.get(url, headers={"x-api-key": where["jumpcloud"]["api_key"]}, timeout=300).json()
        assert users["totalCount"] == 5
        process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + 5
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.01)  # another process is waited for
        assert file.exists()
        process.terminate()
        assert process.wait(300) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert len(json.loads(file.read_text())["jumpcloud"]["users"]) == 5


def test_the_command_starts_from_a_seed_file_and_prints_plain_text(tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"jumpcloud": {"users": [{"email": "ada@example.com"}]}}))
    process = _command("--jumpcloud-port", "0", "--control-port", "0", "--seed-file", str(seed))
    with process:
        assert process.stdout is not None
        printed = ""
        while not printed.endswith("ready\n"):
            printed += process.stdout.readline()
        assert API_KEY in printed
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(300) == 0


def test_a_port_that_cannot_be_had_is_said_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = _command("--jumpcloud-port", str(taken.getsockname()[1]), "--control-port", "0")
        _, said = process.communicate(timeout=300)
    assert process.returncode == 1
    assert said.startswith("The simulator could not start: ")


def test_the_command_takes_the_identities_of_the_organization_and_the_site() -> None:
    cloud_id = "22222222-0000-4000-8000-000000000000"
    process = _command(
        *("--jumpcloud-port", "0", "--jira-port", "0", "--control-port", "0", "--json", "--users", "3"),
        *("--org-id", "0" * 24, "--site", "other", "--cloud-id", cloud_id),
    )
    with process:
        assert process.stdout is not None
        where = json.loads(process.stdout.readline())
        tenant = requests.get(where["jira"]["url"] + "/_edge/tenant_info", timeout=300).json()
        assert (where["jumpcloud"]["org_id"], tenant) == ("0" * 24, {"cloudId": cloud_id})
        process.terminate()
        assert process.wait(300) == 0
