"""The categories of statuses, which every workflow and language shares [observed], and how policy names them."""

from __future__ import annotations

#: The category of everything that is closed.
CLOSED_CATEGORY = "done"
IN_PROGRESS_CATEGORY = "indeterminate"
#: The categories of what is not closed, in the order in which a ticket is brought back to them; any other says nothing.
OPEN_CATEGORIES = ("new", IN_PROGRESS_CATEGORY)
CATEGORIES = (*OPEN_CATEGORIES, CLOSED_CATEGORY)


def category_word(category: str) -> str:
    """How policy names a category: "category:done". A status may be called as its category is."""
    return f"category:{category}"
