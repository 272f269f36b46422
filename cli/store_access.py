"""What commands work with: the settings, and the store that they name, as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cli.problems import Problem

if TYPE_CHECKING:
    from config.settings import Settings
    from store.unit_of_work import Store


@contextmanager
def settings_problems() -> Iterator[None]:
    """Turn what is wrong with settings or a policy into a ``Problem``."""
    from config.errors import SettingsError

    try:
        yield
    except SettingsError as exc:
        raise Problem("The settings cannot be used:", details=exc.problems) from exc


@contextmanager
def store_problems() -> Iterator[None]:
    """Turn a store that cannot be used into a ``Problem``."""
    from store.existing_store import StoreUnusable

    try:
        yield
    except StoreUnusable as exc:
        raise Problem(exc.what, exc.remedy) from exc


def load_settings(config: Path | None) -> Settings:
    """The settings of this file, or of the usual places when it is None. Raises ``Problem``."""
    from config.settings import Settings

    with settings_problems():
        return Settings.load(config)


@contextmanager
def opened(config: Path | None, *, create: bool = False) -> Iterator[tuple[Settings, Store]]:
    """The settings, and the store that they name: see ``opened_store``. Raises ``Problem``."""
    settings = load_settings(config)
    with opened_store(settings, create=create) as store:
        yield settings, store


@contextmanager
def opened_store(settings: Settings, *, create: bool = False) -> Iterator[Store]:
    """The store that the settings name, made only when ``create`` and never migrated. Raises ``Problem`` for an unusable one."""
    from config.urls import masked
    from store.existing_store import open_existing

    url = settings.store.url.get_secret_value()
    with store_problems(), open_existing(url, shown=masked(settings.store.url), create=create) as store:
        yield store


@contextmanager
def store_if_any(settings: Settings) -> Iterator[Store | None]:
    """The store that the settings name; None when it is a file that is not there yet. Raises ``Problem``."""
    from store.existing_store import sqlite_file

    file = sqlite_file(settings.store.url.get_secret_value())
    if file is not None and not file.exists():
        yield None
        return
    with opened_store(settings) as store:
        yield store
