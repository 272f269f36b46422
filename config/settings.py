"""All settings of an operator. The environment decides before secret files, these before the YAML file and defaults."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, BeforeValidator, PrivateAttr, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from access.durations import written
from access.entitlements import System
from access.policy import ADMINISTRATOR_LIKE
from access.provisioning import Provisioning
from config.audit import AuditSettings
from config.error_messages import error_messages
from config.errors import SettingsError
from config.field_types import Words
from config.fuse import FuseSettings, PlanSettings
from config.people import PeopleSettings
from config.setting_keys import all_keys
from config.settings_sources import YamlFile, config_file, from_environment, from_secret_files, secret_files
from config.systems import AtlassianSettings, JiraSettings, JiraSite, JumpCloudSettings, SystemSettings
from config.ticketing import TicketingSettings
from config.urls import masked
from config.worker import (
    BrokerSettings,
    LimitSettings,
    StoreSettings,
    SyncSettings,
    TelemetrySettings,
    WorkerSettings,
)


def _word(value: Any) -> Any:
    """YAML 1.1 reads ``on`` and ``off`` without quotes as true and false."""
    if isinstance(value, bool):
        return Provisioning.ON if value else Provisioning.OFF
    return value.lower() if isinstance(value, str) else value


@dataclass
class _Reading:
    """Where settings were read, if they were, and what was read there since. It is no part of their value."""

    config: Path | None = field(default=None, compare=False)
    environ: Mapping[str, str] | None = field(default=None, compare=False)
    newest: Settings | None = field(default=None, compare=False)
    secrets: set[str] = field(default_factory=set, compare=False, repr=False)


class Settings(BaseSettings):
    """Everything an operator sets, checked as a whole. ``load`` reads it; the constructor takes only what it is given."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
        nested_model_default_partial_update=False,
    )

    provisioning: Annotated[Provisioning, BeforeValidator(_word)] = Provisioning.OFF
    #: The policy file. Without one, every request is refused.
    policy: Path | None = None
    #: Patterns of entitlements that give an administrator's power: rules give them to proven accounts only.
    administrator_like: Words = ADMINISTRATOR_LIKE
    store: StoreSettings = StoreSettings()
    broker: BrokerSettings = BrokerSettings()
    worker: WorkerSettings = WorkerSettings()
    limits: LimitSettings = LimitSettings()
    sync: SyncSettings = SyncSettings()
    people: PeopleSettings = PeopleSettings()
    plans: PlanSettings = PlanSettings()
    fuse: FuseSettings = FuseSettings()
    jumpcloud: JumpCloudSettings = JumpCloudSettings()
    jira: JiraSettings = JiraSettings()
    atlassian: AtlassianSettings = AtlassianSettings()
    ticketing: TicketingSettings = TicketingSettings()
    audit: AuditSettings = AuditSettings()
    telemetry: TelemetrySettings = TelemetrySettings()

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)
    _reading: _Reading = PrivateAttr(default_factory=_Reading)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library's protocol
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's protocol
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's protocol
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's protocol
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only the values that are handed in: ``load`` alone reads environment and files."""
        return (init_settings,)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.atlassian.enabled and self.jira.site_url is None:
            raise ValueError("atlassian has a credential and jira.site_url is not set; set jira.site_url")
        if self.ticketing.jira is not None and not self.ticketing.jira.enabled:
            raise ValueError(
                "ticketing.jira has no credential; set email and api_token there, or leave ticketing.jira out"
            )
        return self

    @property
    def systems(self) -> Mapping[System, SystemSettings]:
        """The section of each system: the one of the system's name."""
        return {system: getattr(self, system) for system in System}

    @property
    def ticketing_site(self) -> JiraSite:
        """The site tickets are made in: ticketing's own, or else the provisioned one."""
        return self.ticketing.jira or self.jira

    def describe(self) -> dict[str, str | int | float | None]:
        """Every key with its value as it may be shown: secrets only as ``(set)``, URLs without passwords."""
        shown = {key: _shown(_value(self, key)) for key in all_keys(type(self))}
        return shown | {"store.url": masked(self.store.url), "broker.url": masked(self.broker.url)}

    def secrets(self) -> Iterator[str]:
        """Every secret as text, and the passwords within URLs on their own, as they may be quoted."""
        for key in all_keys(type(self)):
            if isinstance(value := _value(self, key), SecretStr):
                text = value.get_secret_value()
                if "://" not in text:
                    yield text
                elif password := urlsplit(text).password:
                    yield from (text, password, unquote(password))

    def later_secrets(self) -> tuple[str, ...]:
        """The secrets of all settings that were read again from where these were."""
        return tuple(self._reading.secrets)

    def read_again(self) -> Self | None:
        """The settings as they are written now, None for those that were handed in. Raises ``SettingsError``."""
        if self._reading.environ is None:
            return None
        settings = self.load(self._reading.config, environ=self._reading.environ)
        self._reading.secrets.update(settings.secrets())
        self._reading.newest = settings
        settings._reading = self._reading  # noqa: SLF001 - one reading for all that it gave
        return settings

    def files(self) -> tuple[Path, ...]:
        """The files that are there now and that these settings are read from: the settings file, then those of secrets."""
        if self._reading.environ is None:
            return ()
        named = config_file(self._reading.config, self._reading.environ)
        return (*([named] if named else []), *secret_files(self._reading.environ))

    def differing(self, other: Settings) -> list[str]:
        """The keys that have another value there."""
        return [key for key in all_keys(type(self)) if _value(self, key) != _value(other, key)]

    @property
    def newest(self) -> Settings:
        """What was read last: these, unless they were read again since."""
        return self._reading.newest or self

    def origins(self) -> Mapping[str, str]:
        """For each key whose value is not the default: where the value was written, for people."""
        return self._origins

    @classmethod
    def load(cls, config: Path | None = None, *, environ: Mapping[str, str] = os.environ) -> Self:
        """Read and check everything; ``config`` is the file that was named. Raises ``SettingsError`` with all that is wrong."""
        environment, strays = from_environment(cls, environ)
        secrets, unusable = from_secret_files(cls, environ)
        file = YamlFile(cls, config_file(config, environ))
        problems = [*strays, *unusable]

        def origin(key: str) -> str | None:
            return environment.origin(key) or secrets.origin(key) or file.origin(key)

        try:
            settings = cls(_build_sources=((environment, secrets, file), {}))
        except ValidationError as exc:
            # Not chained: the original holds the values.
            raise SettingsError([*problems, *error_messages(exc, cls, origin=origin)]) from None
        if problems:
            raise SettingsError(problems)
        settings._origins = {key: found for key in all_keys(cls) if (found := origin(key))}
        settings._reading = _Reading(config, environ)
        return settings


def _value(model: BaseModel | None, key: str) -> Any:
    found: Any = model
    for part in key.split("."):
        found = getattr(found, part) if found is not None else None
    return found


def _shown(value: Any) -> str | int | float | None:
    if isinstance(value, SecretStr):
        return "(set)"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if hasattr(value, "total_seconds"):
        return written(value)
    return value if value is None or isinstance(value, int | float) else str(value)
