import re

_OBJECT_ID = re.compile(r"[0-9a-f]{24}")
_STEM = 0x65A0_F1C0_5EED_C0DE
"""A plausible time and machine; the counter behind it makes ids rise in the order of creation, as the real ones do."""


class ObjectIds:
    """Gives out ids of 24 lower-case hex digits, the same ones in every run."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> str:
        """Return a new id."""
        self._last += 1
        return f"{_STEM:016x}{self._last:08x}"

    def skip_past(self, ident: str) -> None:
        """Never give out this id, which came from somewhere else."""
        if ident.startswith(f"{_STEM:016x}"):
            self._last = max(self._last, int(ident[16:], 16))


def is_object_id(text: object) -> bool:
    """Return whether this is 24 hex digits."""
    return isinstance(text, str) and _OBJECT_ID.fullmatch(text) is not None
