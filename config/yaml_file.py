"""YAML as configuration: one mapping, no key twice. The parser's messages are not passed on: they may quote a secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from config.errors import SettingsError
from config.setting_keys import word


class _Loader(yaml.SafeLoader):
    """The safe loader, which also refuses a key that is written twice."""


def _mapping(loader: _Loader, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's protocol
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str | int | float | bool):
            raise _Refused(key_node.start_mark, "has a key that is not a plain word")
        if key in seen:
            raise _Refused(key_node.start_mark, f"has the key '{word(str(key))}' twice in one place")
        seen.add(key)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=deep)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


class _Refused(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, mark: yaml.Mark, problem: str) -> None:
        super().__init__(problem)
        self.line = mark.line + 1
        self.problem = problem


def read_mapping(path: Path) -> dict[str, Any]:
    """The file as a mapping, empty for an empty file. Raises ``SettingsError`` with the line, and never with its text."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise SettingsError([f"{path} cannot be read ({exc.strerror}); check the path and who may read it."]) from exc
    except UnicodeDecodeError:
        raise SettingsError([f"{path} is not UTF-8 text; save it as UTF-8."]) from None
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a subclass of the safe loader
    except _Refused as exc:
        raise SettingsError([f"{path}, line {exc.line}, {exc.problem}; keep one."]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}," if mark else ""
        hint = "check the indentation, and put values that begin with a special character in quotes"
        raise SettingsError([f"{path}{where} is not YAML; {hint}."]) from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError([f"{path} is not a mapping; write lines such as 'provisioning: plan'."])
    return {str(key): value for key, value in content.items()}
