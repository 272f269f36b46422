"""The sources of settings: environment, secret files, YAML file. Each tells where a key was written, for errors."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_settings import BaseSettings, EnvSettingsSource, InitSettingsSource

from access.text import shortened
from config.errors import SettingsError
from config.setting_keys import DELIMITER, PREFIX, all_keys, file_name, nearest, section_of, variable
from config.yaml_file import read_mapping

#: The file read when it exists and no other is named.
DEFAULT_FILE = Path("provisor.yaml")
#: Variables that hold no setting: they name the places to read, or the services that our own tests require.
CONTROLS = frozenset(
    {"PROVISOR_CONFIG", "PROVISOR_SECRETS_DIR", "PROVISOR_REQUIRE_SERVICES", "PROVISOR_REQUIRE_SHARED"}
)

#: Variables that Kubernetes sets in pods beside a Service named "provisor" or "provisor-…" (service links).
_SERVICE_LINK = re.compile(
    r"PROVISOR(_[A-Z0-9_]+)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)
#: Settings whose relative path starts at the folder of the file it is written in.
_PATHS = (("policy",), ("ticketing", "templates_dir"))
#: A credential is short; a larger file is not one.
_LARGEST_SECRET = 64 * 1024
_NO_TEXT = "it is not a short UTF-8 text"


class Texts(EnvSettingsSource):
    """Settings written as flat texts: ``jira__api_token`` is ``jira.api_token``."""

    def __init__(
        self, settings_cls: type[BaseSettings], texts: Mapping[str, str], *, origins: Mapping[str, str]
    ) -> None:
        self._texts = texts
        self._origins = origins
        super().__init__(settings_cls, case_sensitive=False, env_prefix="", env_nested_delimiter=DELIMITER)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return dict(self._texts)

    def origin(self, key: str) -> str | None:
        """Where the key's value was written, for people; None when it is not from here."""
        return self._origins.get(file_name(key))


class YamlFile(InitSettingsSource):
    """Settings from the configuration file."""

    def __init__(self, settings_cls: type[BaseSettings], path: Path | None) -> None:
        self._path = path
        self.values: dict[str, Any] = read_mapping(path) if path else {}
        _drop_empty_sections(self.values, settings_cls)
        if path:
            _anchor(self.values, path.parent)
        super().__init__(settings_cls, self.values)

    def origin(self, key: str) -> str | None:
        """Where the key's value was written, for people; None when it is not from here."""
        found: Any = self.values
        for part in key.split("."):
            if not isinstance(found, dict) or part not in found:
                return None
            found = found[part]
        return str(self._path)


def _drop_empty_sections(values: dict[str, Any], model: type[BaseModel]) -> None:
    """Drop headings whose keys are all commented out: YAML reads them as null."""
    for name, field in model.model_fields.items():
        section = section_of(field.annotation)
        if section is None or name not in values:
            continue
        if values[name] is None:
            del values[name]
        elif isinstance(values[name], dict):
            _drop_empty_sections(values[name], section)


def _anchor(values: dict[str, Any], folder: Path) -> None:
    for *above, name in _PATHS:
        holder: Any = values
        for part in above:
            holder = holder.get(part) if isinstance(holder, dict) else None
        if isinstance(holder, dict) and isinstance(holder.get(name), str):
            holder[name] = str(folder / Path(holder[name]).expanduser())


def config_file(named: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The file to read: the one named, else ``PROVISOR_CONFIG``, else the default one when it exists."""
    if named is not None:
        return named
    if text := environ.get("PROVISOR_CONFIG"):
        return Path(text).expanduser()
    return DEFAULT_FILE if DEFAULT_FILE.is_file() else None


def from_environment(settings_cls: type[BaseSettings], environ: Mapping[str, str]) -> tuple[Texts, list[str]]:
    """The settings in the environment, and a problem for each variable of ours that is none. Empty ones count as not set."""
    ours = {
        name: text for name, text in environ.items() if name.upper().startswith(PREFIX) and name.upper() not in CONTROLS
    }
    known = {variable(key): key for key in all_keys(settings_cls)}
    texts, origins, problems = {}, {}, []
    for name, text in sorted(ours.items()):
        key = known.get(name.upper())
        if key is not None and text:
            texts[file_name(key)] = text
            origins[file_name(key)] = f"environment variable {name}"
        elif key is None and not _SERVICE_LINK.fullmatch(name):
            problems.append(_unknown(f"environment variable {shortened(name)}", name.upper(), known))
    return Texts(settings_cls, texts, origins=origins), problems


def from_secret_files(settings_cls: type[BaseSettings], environ: Mapping[str, str]) -> tuple[Texts, list[str]]:
    """The settings in the directory of secrets, and a problem for each file that is none or cannot be read."""
    texts: dict[str, str] = {}
    origins: dict[str, str] = {}
    problems: list[str] = []
    known = {file_name(key): key for key in all_keys(settings_cls)}
    for path in _files(environ):
        if path.name.lower() not in known:
            problems.append(_unknown(f"secret file {path.parent / shortened(path.name)}", path.name.lower(), known))
            continue
        origins[path.name.lower()] = f"secret file {path}"
        try:
            texts[path.name.lower()] = _secret(path)
        except (OSError, ValueError) as exc:
            why = exc.strerror if isinstance(exc, OSError) else str(exc)
            problems.append(
                f"{known[path.name.lower()]} cannot be read from {path} ({why}); check the file and who may read it."
            )
    return Texts(settings_cls, texts, origins=origins), problems


def secret_files(environ: Mapping[str, str]) -> Iterable[Path]:
    """All files in the directory of secrets, or the directory itself where it cannot be read."""
    try:
        return _files(environ)
    except SettingsError:
        return [Path(environ["PROVISOR_SECRETS_DIR"]).expanduser()]


def _files(environ: Mapping[str, str]) -> Iterable[Path]:
    """All files in the directory but the hidden entries, which Kubernetes makes for itself."""
    directory = environ.get("PROVISOR_SECRETS_DIR")
    if not directory:
        return []
    path = Path(directory).expanduser()
    try:
        return sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    except OSError as exc:
        problem = f"PROVISOR_SECRETS_DIR names {path}, which cannot be read ({exc.strerror}); name a directory of secret files."
        raise SettingsError([problem]) from exc


def _secret(path: Path) -> str:
    # Without waiting: somebody may have put a pipe there, which nobody writes to.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise ValueError("it is no regular file")
        if mode & stat.S_IWOTH:
            raise ValueError("everybody may write to it")
        content = file.read(_LARGEST_SECRET + 1)
    if len(content) > _LARGEST_SECRET:
        raise ValueError(_NO_TEXT)
    try:
        return content.decode().strip()
    except UnicodeDecodeError:
        raise ValueError(_NO_TEXT) from None


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    near = nearest(name, known)
    remedy = f"did you mean {near}" if near else "take it away, or see 'provisor settings' for all keys"
    sign = "?" if near else "."
    return f"The {what} is not a setting of Provisor; {remedy}{sign}"
