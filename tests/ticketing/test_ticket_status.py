from __future__ import annotations

import pytest

from ticketing.ports import Phase
from ticketing.status import DECLINED, StatusMap


@pytest.mark.parametrize("category", ["new", "indeterminate", "undefined", "something-new", "", None])
@pytest.mark.parametrize("status", ["Done", "Declined", "Erledigt"])
def test_only_the_category_done_is_closed_whatever_the_name(category: str | None, status: str) -> None:
    assert StatusMap().phase(category=category, status=status, resolution="Won't Do", project="OPS") is Phase.OPEN


@pytest.mark.parametrize("status", ["Done", "Closed", "Erledigt", "完了", ""])
@pytest.mark.parametrize("resolution", [None, "", "Done", "Fixed"])
def test_closed_without_a_word_of_refusal_is_done(status: str, resolution: str | None) -> None:
    assert StatusMap().phase(category="done", status=status, resolution=resolution, project="OPS") is Phase.DONE


@pytest.mark.parametrize("name", [*DECLINED, "WON'T DO", "won\u2019t do", "  rejected "])
def test_a_declining_name_of_status_or_resolution_declines(name: str) -> None:
    by_status = StatusMap().phase(category="done", status=name, resolution=None, project="OPS")
    by_resolution = StatusMap().phase(category="done", status="Done", resolution=name, project="OPS")
    assert (by_status, by_resolution) == (Phase.DECLINED, Phase.DECLINED)


def test_a_project_may_have_names_of_its_own_in_place_of_the_others() -> None:
    statuses = StatusMap(projects={"SEC": ("Abgelehnt",)})

    def phase(status: str, project: str) -> Phase:
        return statuses.phase(category="done", status=status, resolution=None, project=project)

    assert phase("abgelehnt", "SEC") is Phase.DECLINED
    assert phase("Declined", "SEC") is Phase.DONE
    assert phase("Abgelehnt", "OPS") is Phase.DONE
