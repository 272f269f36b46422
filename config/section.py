from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A named group of settings: immutable, unknown keys refused, and no value ever quoted in an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)
