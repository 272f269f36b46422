from __future__ import annotations


class WithRemedy:
    """Something that is wrong, with what to do about it: the base of failures, findings and errors for operators.

    ``what`` is one sentence of what is wrong, ``remedy`` one of what to do, empty where nothing is to be done. Neither ever
    holds a secret.
    """

    __slots__ = ()

    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}".rstrip()
