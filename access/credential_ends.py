"""When credentials end: a service tells it, or a day in the settings does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

#: So long before its end a credential is something that a person has to look at: a new one may need an approval.
AHEAD = timedelta(days=21)


class Teller(StrEnum):
    """Who says when a credential ends."""

    #: The service itself.
    SERVICE = "service"
    #: A day in the settings.
    SETTINGS = "settings"


#: The teller and its verb.
_SAYS = {Teller.SERVICE: "the service says", Teller.SETTINGS: "the settings say"}


@dataclass(frozen=True, slots=True)
class CredentialEnd:
    """When the credential for a place ends, as ``told_by`` says it. A place is a section of the settings."""

    place: str
    ends_at: datetime
    told_by: Teller

    def is_near(self, now: datetime) -> bool:
        """Whether somebody has to look at it now."""
        return self.ends_at - now <= AHEAD

    def said(self, now: datetime) -> str:
        """The end in a sentence."""
        left = (self.ends_at - now).days
        if self.ends_at <= now:
            return f"The credential for {self.place} ended on {self.ends_at:%Y-%m-%d}, as {_SAYS[self.told_by]}."
        in_days = "today" if left == 0 else f"in {left} day{'' if left == 1 else 's'}"
        return f"The credential for {self.place} ends on {self.ends_at:%Y-%m-%d}, {in_days}, as {_SAYS[self.told_by]}."

    @property
    def remedy(self) -> str:
        """What to do about an end that is near."""
        day = "" if self.told_by is Teller.SERVICE else f", and {self.place}.credential_ends"
        return f"Make a new one in time and change it in {self.place}{day}; nothing has to be restarted."


def beginning_of(day: date) -> datetime:
    """The first moment of a day, in UTC: a credential that ends on a day may end with its beginning."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
