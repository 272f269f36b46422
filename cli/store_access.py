"""Opening what commands work with: the settings, and the store as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.problems import Problem
from config.errors import SettingsError
from config.settings import Settings
from config.urls import masked
from store.existing_store import StoreUnusable, open_existing
from store.unit_of_work import Store


@contextmanager
def settings_told() -> Iterator[None]:
    """Turn what is wrong with settings or a policy into a problem that is told."""
    try:
        yield
    except SettingsError as exc:
        raise Problem("The settings cannot be used:", details=exc.problems) from exc


def load_settings(config: Path | None) -> Settings:
    """The settings. Raises ``Problem``."""
    with settings_told():
        return Settings.load(config)


@contextmanager
def store_told() -> Iterator[None]:
    """Turn a store that cannot be used into a problem that is told."""
    try:
        yield
    except StoreUnusable as exc:
        raise Problem(exc.what, exc.remedy) from exc


@contextmanager
def opened(config: Path | None, *, create: bool = False) -> Iterator[tuple[Settings, Store]]:
    """The settings and the store they name, which is not brought to another form, nor made unless ``create``."""
    settings = load_settings(config)
    with opened_store(settings, create=create) as store:
        yield settings, store


@contextmanager
def opened_store(settings: Settings, *, create: bool = False) -> Iterator[Store]:
    """The store that these settings name, likewise."""
    with (
        store_told(),
        open_existing(settings.store.url.get_secret_value(), shown=masked(settings.store.url), create=create) as store,
    ):
        yield store
