"""Every setting: its key, its default, what it is for."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from access.durations import written
from checks.attribute_docs import attribute_docs
from config.setting_keys import ONLY_AT_START, section_of
from config.settings import Settings

PATH = "docs/settings.md"

_HEAD = """\
# Settings

*Written by `make fix` from the models in `config/`.* An example to start from is
[config/examples/provisor.yaml](../config/examples/provisor.yaml); `provisor settings` lists what is in force and where
each value was written.

Settings come from four places. The first that has a key decides:

1. **Environment.** `jira.api_token` is `PROVISOR_JIRA__API_TOKEN`: the prefix, then the key in capitals, with two
   underscores for the dot. An empty variable counts as not set.
2. **Secret files.** `PROVISOR_SECRETS_DIR` names a directory; `jira.api_token` is its file `jira__api_token`. Made for
   Docker and Kubernetes secrets.
3. **The settings file.** YAML. `--config` names it, else `PROVISOR_CONFIG`, else it is `./provisor.yaml` when that
   exists.
4. **The default**, below.

A key that does not exist is refused, wherever it is written, and the nearest one that does is named. Durations are
written `30s`, `5m`, `8h`, `7d`, `PT8H`, or as a plain number of seconds. Secrets belong in the environment or in secret
files, not in the settings file.

A process that runs reads its files again when one of them changes, and at SIGHUP. Only at a start it takes {at_start}, and the
environment.
"""


def text() -> str:
    """The page."""
    at_start = ", ".join(f"`{key}`" for key in ONLY_AT_START)
    return "\n".join([_HEAD.format(at_start=at_start), *_section(Settings, above="")])


def _section(model: type[BaseModel], *, above: str) -> Iterator[str]:
    values = {name: field for name, field in model.model_fields.items() if section_of(field.annotation) is None}
    inner = {name: field for name, field in model.model_fields.items() if name not in values}
    docs = attribute_docs(model)
    if above:
        yield f"## {above.rstrip('.')}"
        yield ""
        yield inspect.cleandoc(model.__doc__ or "")
        yield ""
    yield "| key | default | what it is |"
    yield "|---|---|---|"
    for name, field in values.items():
        yield f"| `{above}{name}` | {_default(field.default)} | {_what(field, docs.get(name, ''))} |"
    yield ""
    for name, field in inner.items():
        section = section_of(field.annotation)
        assert section is not None
        if above:
            yield f"`{above}{name}` has the keys of `{name}`. {docs.get(name, '')}".rstrip()
            yield ""
        else:
            yield from _section(section, above=f"{name}.")


def _what(field: FieldInfo, doc: str) -> str:
    return " ".join(part for part in (doc, _choices(field.annotation)) if part).replace("``", "`").replace("|", "\\|")


def _choices(annotation: Any) -> str:
    """The words that a value can be, each with what it means where the code says so."""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        docs = attribute_docs(annotation)
        return " ".join(f"`{each.value}`: {docs[each.name]}" for each in annotation)
    words = get_args(annotation) if get_origin(annotation) is Literal else ()
    return f"One of {', '.join(f'`{word}`' for word in words)}." if len(words) > 1 else ""


def _default(value: Any) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, timedelta):
        value = written(value)
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, tuple):
        value = ", ".join(map(str, value))
    if isinstance(value, bool):
        value = str(value).lower()
    return "" if value is None or value == "" else f"`{value}`"
