"""A rotated secret is used without a restart: the settings are read again when a service refuses the credential."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from structlog.testing import capture_logs

from access.accounts import Account, Subject
from access.clock import SystemClock
from access.entitlements import System
from access.failures import CredentialRefused
from config.settings import Settings
from httpclient import ClientOptions, HttpClient, RetryPolicy
from httpclient.redaction import Redaction
from simulator.jira import World as JiraWorld
from simulator.jumpcloud import World
from simulator.server import Simulators
from simulator.systems import act
from store.database import Database
from store.unit_of_work import Store
from tests.httpclient.stub import TIMEOUTS
from worker.systems.definition import Dependencies, LaneConnector
from worker.systems.table import SYSTEMS

ADA = "ada@example.com"
SECRETS = {System.JUMPCLOUD: "jumpcloud__api_key", System.JIRA: "jira__api_token"}


@dataclass
class Rotating:
    """A connector whose secret is in a file that a test writes."""

    connector: LaneConnector
    settings: Settings
    file: Path
    good: str

    def finds_ada(self) -> bool:
        return isinstance(self.connector.find_account(Subject(email=ADA)), Account)


@pytest.fixture(params=SECRETS)
def rotating(request: pytest.FixtureRequest, tmp_path: Path, sqlite_url: str) -> Iterator[Rotating]:
    system: System = request.param
    jumpcloud, jira = World(), JiraWorld()
    act(jumpcloud, "add_user", email=ADA, username="ada")
    act(jira, "create_user", email=ADA, name="Ada")
    with Simulators(jumpcloud=jumpcloud, jira=jira) as simulators:
        known = jira.credentials()
        config = tmp_path / "provisor.yaml"
        sections = {
            System.JUMPCLOUD: {"api_url": simulators.jumpcloud_url},
            System.JIRA: {"site_url": simulators.jira_url, "email": known["email"]},
        }
        config.write_text(yaml.safe_dump({str(system): sections[system]}))
        secrets = tmp_path / "secrets"
        secrets.mkdir()
        file = secrets / SECRETS[system]
        file.write_text("the-key-before")
        settings = Settings.load(config, environ={"PROVISOR_SECRETS_DIR": str(secrets)})
        database = Database(sqlite_url, pool_size=1)
        options = ClientOptions(timeouts=TIMEOUTS, retry_policy=RetryPolicy.without_waits(1))
        connector = SYSTEMS[system].connector(Dependencies(settings, Store(database), SystemClock()), options)
        good = jumpcloud.credentials()["api_key"] if system is System.JUMPCLOUD else known["token"]
        yield Rotating(connector, settings, file, good)
        client = getattr(connector, "client", None) or getattr(connector, "_client", None)
        assert isinstance(client, HttpClient)
        client.close()
        database.close()


def test_h3_a_rotated_secret_is_used_at_the_first_refusal_and_said_in_one_line(rotating: Rotating) -> None:
    with pytest.raises(CredentialRefused):
        rotating.finds_ada()
    rotating.file.write_text(rotating.good)
    with capture_logs() as said:
        assert rotating.finds_ada()
        assert rotating.finds_ada()
    assert [line["event"] for line in said if line["event"].startswith("credential.")] == ["credential.read_again"]
    later = Redaction(rotating.settings.secrets(), later=rotating.settings.later_secrets)
    assert rotating.good not in later.text(f"it is {rotating.good}")


@pytest.mark.parametrize("wrong", ["", "two\nlines", "\x00"])
def test_h3_a_wrong_new_secret_keeps_the_old_one_and_says_so(rotating: Rotating, wrong: str) -> None:
    rotating.file.write_text(wrong)
    with capture_logs() as said, pytest.raises(CredentialRefused):
        rotating.finds_ada()
    [line] = [line for line in said if line["event"].startswith("credential.")]
    assert line["event"] == "credential.kept"
    assert line["why"]
    rotating.file.write_text(rotating.good)
    assert rotating.finds_ada()


def test_h3_a_secret_that_did_not_change_is_not_tried_twice(rotating: Rotating) -> None:
    with capture_logs() as said, pytest.raises(CredentialRefused):
        rotating.finds_ada()
    assert not [line for line in said if line["event"].startswith("credential.")]
