from __future__ import annotations

import pytest

from ticketing.ports import Phase
from ticketing.status import DECLINED, StatusMap


@pytest.mark.parametrize("category", ["new", "indeterminate", "undefined", "something-new", "", None])
@pytest.mark.parametrize("status", ["Done", "Declined", "Erledigt"])
def test_only_the_category_done_is_closed_whatever_the_name(category: str | None, status: str) -> None:
    assert StatusMap().phase(category=category, status=status, resolution="Won't Do") is Phase.OPEN


@pytest.mark.parametrize("status", ["Done", "Closed", "Erledigt", "完了", ""])
@pytest.mark.parametrize("resolution", [None, "", "Done", "Fixed"])
def test_closed_without_a_word_of_refusal_is_done(status: str, resolution: str | None) -> None:
    assert StatusMap().phase(category="done", status=status, resolution=resolution) is Phase.DONE


@pytest.mark.parametrize("name", [*DECLINED, "WON'T DO", "won\u2019t do", "  rejected "])
def test_a_declining_name_of_status_or_resolution_declines(name: str) -> None:
    by_status = StatusMap().phase(category="done", status=name, resolution=None)
    by_resolution = StatusMap().phase(category="done", status="Done", resolution=name)
    assert (by_status, by_resolution) == (Phase.DECLINED, Phase.DECLINED)


def test_other_names_take_the_place_of_the_usual_ones() -> None:
    german = StatusMap(["Abgelehnt"])
    assert german.phase(category="done", status="abgelehnt", resolution=None) is Phase.DECLINED
    assert german.phase(category="done", status="Declined", resolution=None) is Phase.DONE
