"""The keys of the settings, read from the models: to list them, and to suggest the right one for a wrong one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel

#: What every environment variable of ours begins with.
PREFIX = "PROVISOR_"
#: What separates a section from its key in environment variables and names of secret files.
DELIMITER = "__"

#: What a process takes from its settings when it starts, and only then: keys, and sections as a whole.
ONLY_AT_START = (
    *("store.url", "store.pool_size", "store.silence", "broker", "telemetry"),
    *("worker.intake_batch", "worker.remote_control", "worker.task_events"),
)


def only_at_start(key: str) -> bool:
    """Whether a process has to be started anew to take a changed value; all others are taken while it runs."""
    return any(key == each or key.startswith(f"{each}.") for each in ONLY_AT_START)


def section_of(annotation: Any) -> type[BaseModel] | None:
    """The model behind an annotation such as ``JiraSite | None``; None when it is a plain value."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def all_keys(model: type[BaseModel], *, above: str = "") -> Iterator[str]:
    """Every key that holds a value, dotted (``jira.api_token``)."""
    for name, field in model.model_fields.items():
        section = section_of(field.annotation)
        if section is None:
            yield f"{above}{name}"
        else:
            yield from all_keys(section, above=f"{above}{name}.")


def variable(key: str) -> str:
    """The environment variable of a dotted key: ``PROVISOR_JIRA__API_TOKEN``."""
    return PREFIX + key.replace(".", DELIMITER).upper()


def file_name(key: str) -> str:
    """The name of the secret file of a dotted key: ``jira__api_token``."""
    return key.replace(".", DELIMITER)


def nearest(wrong: str, known: Iterable[str]) -> str | None:
    """The known key that is most like a wrong one; None when none is like it."""
    by_case = {key.lower(): key for key in known}
    found = get_close_matches(wrong.lower(), by_case, n=1, cutoff=0.7)
    return by_case[found[0]] if found else None


def word(key: str) -> str:
    """The beginning of a key that looks like a key: YAML reads ``{api_token:secret}`` as one key, secret included."""
    plain = _WORD.match(key)
    begin = plain[0] if plain else ""
    return begin if begin == key else f"{begin}…"


_WORD = re.compile(r"[A-Za-z0-9_-]{1,40}")
