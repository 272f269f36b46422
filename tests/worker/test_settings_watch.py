"""Settings and a policy that change while Provisor runs: they count from then on as a whole, and wrong ones do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from access.clock import SystemClock
from access.entitlements import EntitlementRef
from access.methods import Direction
from access.provisioning import Provisioning
from config.settings import Settings
from store.alarms import Alarm
from store.database import Database
from store.outbox import Topic
from store.unit_of_work import Store
from tasks.publisher import RecordingPublisher
from worker.composition import Provisor, compose
from worker.settings_watch import Following, SettingsWatch

GROUP = EntitlementRef.parse("jira:group:devs:member")
NOTHING = "ticket: {project: OPS}\n"
ALLOWS = 'ticket: {project: OPS}\nrules: [{pattern: "jira:group:*:member"}]\n'


@dataclass
class Threads:
    """Threads as a process has them, which say what they were told."""

    told: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.told.append("start")

    def stop(self) -> None:
        self.told.append("stop")

    def join(self, until: float) -> None:
        del until


class Running:
    """What a process runs by the settings in a folder, over a store of its own."""

    def __init__(self, folder: Path, url: str) -> None:
        self.file, self.policy, self.secret = folder / "provisor.yaml", folder / "policy.yaml", folder / "secrets"
        self.secret.mkdir()
        self.policy.write_text(NOTHING, encoding="utf-8")
        self.url = url
        self.write("provisioning: plan")
        settings = Settings.load(self.file, environ={"PROVISOR_SECRETS_DIR": str(self.secret)})
        self.store = Store(Database(url, pool_size=2))
        self.threads: list[Threads] = []
        self.watch = SettingsWatch(self._following(settings), self._following)

    def write(self, text: str) -> None:
        self.file.write_text(f"store: {{url: '{self.url}'}}\npolicy: policy.yaml\n{text}\n", encoding="utf-8")

    def _following(self, settings: Settings) -> Following:
        self.threads.append(Threads())
        wired = compose(settings, RecordingPublisher(), clock=SystemClock(), store=self.store)
        return Following(wired, [self.threads[-1]], lambda _topic, _ref: None)

    def look(self) -> list[str]:
        """Look until the files rest; what the log says."""
        with capture_logs() as logs:
            for _ in range(3):
                self.watch.look()
        return [log["event"] for log in logs]

    @property
    def provisor(self) -> Provisor:
        return self.watch.current.provisor

    def allows(self) -> bool:
        return self.provisor.services.policy.rule_for(GROUP, direction=Direction.GIVE) is not None

    def alarms(self) -> list[Alarm]:
        with self.store.write() as work:
            work.alarms.close_ended(now=SystemClock().now())
            return list(work.alarms.lasting())


@pytest.fixture
def running(tmp_path: Path, sqlite_url: str) -> Iterator[Running]:
    running = Running(tmp_path, sqlite_url)
    yield running
    running.store.database.close()


def test_h3_a_changed_file_is_in_force_once_it_rests_and_what_worked_before_is_told_to_stop(running: Running) -> None:
    running.watch.look()
    running.policy.write_text(ALLOWS[:-20], encoding="utf-8")  # it is being written
    running.watch.look()
    running.policy.write_text(ALLOWS, encoding="utf-8")
    running.watch.look()
    assert not running.allows()
    running.watch.look()
    assert running.allows()
    assert [each.told for each in running.threads] == [["stop"], ["start"]]
    running.write("provisioning: on\nlimits: {attempts: 3}")
    assert running.look() == ["settings.read"]
    services = running.provisor.services
    assert (services.mode, services.options.retry.attempts) == (Provisioning.ON, 3)
    assert running.alarms() == []


def test_h3_a_rotated_secret_is_taken_when_its_file_changes_and_no_log_shows_it(running: Running) -> None:
    file = running.secret / "jumpcloud__api_key"
    for secret in ("the-key-before", "the-key-after"):
        file.write_text(secret, encoding="utf-8")
        assert running.look() == ["settings.read"]
        key = running.provisor.settings.jumpcloud.api_key
        assert key is not None
        assert key.get_secret_value() == secret
        assert secret in running.watch.first_settings.later_secrets()


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("provisioning: perhaps", "provisioning"),
        ("jumpclod: {}", "jumpclod"),
        ("jira: {email: a@example.com}", "jira"),
        ("policy: [", "provisor.yaml"),
    ],
)
def test_h3_a_wrong_file_keeps_what_was_in_force_and_is_an_alarm_until_it_is_right(
    running: Running, wrong: str, why: str
) -> None:
    running.write(wrong)
    assert running.look() == ["settings.kept", "alarm.raised"]
    assert running.provisor.services.mode is Provisioning.PLAN
    assert [each.told for each in running.threads[:1]] == [[]]
    [alarm] = running.alarms()
    assert why in alarm.what
    running.write("provisioning: on")
    assert running.look() == ["settings.read"]
    assert running.alarms() == []


def test_h3_a_wrong_policy_keeps_the_settings_too(running: Running) -> None:
    running.policy.write_text("rules: [{pattern: x}]\n", encoding="utf-8")
    running.write("provisioning: on")
    assert running.look() == ["settings.kept", "alarm.raised"]
    assert running.provisor.services.mode is Provisioning.PLAN
    running.policy.unlink()
    assert running.look() == ["settings.kept", "alarm.raised"]
    running.policy.write_text(ALLOWS, encoding="utf-8")
    running.look()
    assert (running.provisor.services.mode, running.allows()) == (Provisioning.ON, True)


def test_h3_what_only_a_restart_changes_is_said_until_it_is_taken_back(running: Running) -> None:
    running.write("provisioning: on\nworker: {intake_batch: 7, concurrency: 5}")
    assert running.look() == ["settings.read", "alarm.raised"]
    assert running.provisor.services.mode is Provisioning.ON
    [alarm] = running.alarms()
    assert "worker.intake_batch" in alarm.what
    assert "concurrency" not in alarm.what
    running.write("provisioning: on")
    running.look()
    assert running.alarms() == []


def test_h3_a_wake_up_goes_to_what_works_now(running: Running) -> None:
    taken: list[str] = []
    running.watch.current = Following(running.provisor, [], lambda _topic, ref: taken.append(ref))
    running.watch.wake(Topic.REQUEST, "r1")
    assert taken == ["r1"]
