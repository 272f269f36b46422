"""The demonstration: the real worker on its embedded default, against simulated systems in processes of their own."""

from __future__ import annotations

from demo.demonstration import show

__all__ = ["show"]
