"""Redaction: known secrets are blanked out of texts, before they leave the process and in what a service echoes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

#: Every value under such a name is a secret.
_SECRET_NAMES = re.compile(r"(?i)(password|passwd|secret|token|api[_-]?key|authorization|cookie|credential|dsn)")
_HIDDEN = "[secret]"

#: Keys of our own log lines whose names match and whose values are no secrets.
_PLAIN = frozenset({"credential_refused"})

#: A shorter value would take harmless words out of every text, and no real secret is that short.
_SHORTEST_SECRET = 4


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """The text with each secret blanked out, plain and as JSON writes it; the longest first."""
    for form in _forms(tuple(secrets)):
        text = text.replace(form, _HIDDEN)
    return text


@lru_cache(maxsize=32)
def _forms(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Every form of the secrets, the longest first. To find them takes longer than to look for them [measured]."""
    known = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
    forms = known | {json.dumps(secret)[1:-1] for secret in known}
    return tuple(sorted(forms, key=len, reverse=True))


class Redaction:
    """Takes known secrets out of logs and reports before they leave the process."""

    def __init__(self, secrets: Iterable[str], *, later: Callable[[], tuple[str, ...]] = tuple) -> None:
        """``later`` tells those that became known since."""
        self._secrets = tuple(secrets)
        self._later = later

    def text(self, text: str) -> str:
        """The text without secrets."""
        return without_secrets(text, (*self._secrets, *self._later()))

    def value(self, value: Any) -> Any:
        """The value without secrets and without values named like a secret, at any depth, and fit for JSON.

        What JSON has no word for becomes text: a moment as ISO 8601 has it, bytes as UTF-8, anything else as it prints itself.
        """
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.text(str(value))
        if isinstance(value, Mapping):
            return {self._name(key): self._member(key, item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        if isinstance(value, bytes | bytearray):
            return self.text(value.decode(errors="replace"))
        return self.text(value.isoformat() if isinstance(value, date) else str(value))

    def _name(self, key: Any) -> str:
        return self.text(str(key))

    def _member(self, key: Any, item: Any) -> Any:
        is_secret = isinstance(key, str) and _SECRET_NAMES.search(key) is not None and key not in _PLAIN
        return _HIDDEN if is_secret else self.value(item)
