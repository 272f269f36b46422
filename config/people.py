"""The settings of persons: what proves that accounts belong together."""

from __future__ import annotations

import re

from pydantic import field_validator

from config.field_types import Words
from config.section import Section

_DOMAIN = re.compile(r"[^\s@]+\.[^\s@]+")


class PeopleSettings(Section):
    """Which accounts belong to one person, and what happens when the person leaves."""

    #: Email domains that are verified to be ours: an address there that two accounts show joins them to one person.
    domains: Words = ()

    @field_validator("domains")
    @classmethod
    def _are_domains(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_DOMAIN.fullmatch(each) for each in domains):
            raise ValueError("has something that is no domain; write domains such as acme.example")
        return domains
