"""Where the values of settings come from: the environment, secret files, the file, defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from access.provisioning import Provisioning
from config.errors import SettingsError
from config.setting_keys import all_keys, variable
from config.settings import Settings
from tests.config.settings_loading import load, problems


def test_without_anything_nothing_is_changed_and_nothing_is_reached() -> None:
    settings = load()
    assert settings.provisioning is Provisioning.OFF
    assert settings.store.url.get_secret_value() == "sqlite:///./var/provisor.db"
    assert settings.broker.url.get_secret_value() == "memory://"
    assert not any(system.enabled for system in (settings.jumpcloud, settings.jira, settings.atlassian))


def test_the_environment_wins_over_secret_files_over_the_file_over_defaults(tmp_path: Path, secrets: Path) -> None:
    file = "limits: {attempts: 3}\njumpcloud: {burst: 4}\nworker: {concurrency: 5}\njira: {protected_groups: [a]}\n"
    (secrets / "worker__concurrency").write_text("6\n")
    (secrets / "limits__attempts").write_text("6\n")
    settings = load(file, folder=tmp_path, PROVISOR_SECRETS_DIR=str(secrets), PROVISOR_LIMITS__ATTEMPTS="7")
    assert (settings.limits.attempts, settings.worker.concurrency, settings.jumpcloud.burst) == (7, 6, 4)
    assert settings.jumpcloud.rate == 10.0


def test_one_section_can_come_from_three_places(tmp_path: Path, secrets: Path) -> None:
    (secrets / "jira__api_token").write_text("from-file\n")
    file = "jira: {site_url: https://acme.atlassian.net}"
    settings = load(
        file, folder=tmp_path, PROVISOR_SECRETS_DIR=str(secrets), PROVISOR_JIRA__EMAIL="provisor@acme.example"
    )
    assert settings.jira.enabled
    assert settings.jira.api_token is not None
    assert settings.jira.api_token.get_secret_value() == "from-file"
    assert settings.origins()["jira.site_url"].endswith("provisor.yaml")
    assert settings.origins()["jira.api_token"] == f"secret file {secrets / 'jira__api_token'}"
    assert settings.origins()["jira.email"] == "environment variable PROVISOR_JIRA__EMAIL"
    assert "jira.via" not in settings.origins()


def test_the_default_file_is_read_when_it_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load().provisioning is Provisioning.OFF
    (tmp_path / "provisor.yaml").write_text("provisioning: plan")
    assert load().provisioning is Provisioning.PLAN


def test_a_named_file_must_exist_whoever_names_it(tmp_path: Path) -> None:
    missing = tmp_path / "none.yaml"
    assert problems(PROVISOR_CONFIG=str(missing)) == (
        f"{missing} cannot be read (No such file or directory); check the path and who may read it.",
    )
    with pytest.raises(SettingsError, match="cannot be read"):
        Settings.load(missing, environ={})


def test_the_command_line_names_the_file_before_the_environment_does(tmp_path: Path) -> None:
    assert load("provisioning: plan", folder=tmp_path, PROVISOR_CONFIG="/nowhere").provisioning is Provisioning.PLAN


def test_every_key_can_be_set_by_a_variable_of_its_name() -> None:
    wrong = {variable(key): " \n" for key in all_keys(Settings)}
    assert not any("not a setting" in problem for problem in problems(environ=wrong))
    assert variable("ticketing.jira.api_token") == "PROVISOR_TICKETING__JIRA__API_TOKEN"


def test_an_empty_variable_counts_as_not_set_and_any_case_will_do() -> None:
    assert load(PROVISOR_JIRA__API_TOKEN="", PROVISOR_LIMITS__ATTEMPTS="").limits.attempts == 8
    assert load(provisor_limits__attempts="5").limits.attempts == 5


def test_settings_made_directly_read_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISOR_PROVISIONING", "on")
    monkeypatch.setenv("PROVISIONING", "on")
    assert Settings().provisioning is Provisioning.OFF
    assert Settings(provisioning="plan").provisioning is Provisioning.PLAN


def test_hidden_entries_of_the_directory_of_secrets_are_kubernetes_own(secrets: Path) -> None:
    (secrets / "..data").mkdir()
    (secrets / "..data" / "telemetry__environment").write_text("staging")
    (secrets / "telemetry__environment").symlink_to(secrets / "..data" / "telemetry__environment")
    assert load(PROVISOR_SECRETS_DIR=str(secrets)).telemetry.environment == "staging"


def test_relative_paths_in_a_file_start_at_its_folder_and_others_where_one_is(tmp_path: Path) -> None:
    settings = load("policy: policy.yaml\nticketing: {templates_dir: t}", folder=tmp_path)
    assert settings.policy == tmp_path / "policy.yaml"
    assert settings.ticketing.templates_dir == tmp_path / "t"
    assert load(PROVISOR_POLICY="policy.yaml").policy == Path("policy.yaml")
