from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr


def secrets_in(settings: BaseModel) -> Iterator[str]:
    """Every secret in the settings as text, and the passwords within addresses on their own, as they may be quoted."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            yield from secrets_in(value)
        elif isinstance(value, SecretStr):
            text = value.get_secret_value()
            if "://" not in text:
                yield text
            elif password := urlsplit(text).password:
                yield from (text, password, unquote(password))
