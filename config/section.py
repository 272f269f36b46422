from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_settings import NoDecode


class Section(BaseModel):
    """A named group of settings: immutable, unknown keys refused, and no value ever quoted in an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


#: Several words: a YAML list, or one text with commas (as an environment variable has it).
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


def form(pattern: str, otherwise: str) -> AfterValidator:
    """That a text has a form; ``otherwise`` is the clause that says what it is not and how to write one."""
    compiled = re.compile(pattern)

    def checked(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(otherwise)
        return text

    return AfterValidator(checked)


#: A Jira project's key.
ProjectKey = Annotated[str, form(r"[A-Z][A-Z0-9_]{1,254}", "is not a project key; write one such as ACCESS")]
