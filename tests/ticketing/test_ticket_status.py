from __future__ import annotations

import pytest

from access.ticket_routes import StatusRules
from ticketing.ports import Phase
from ticketing.status import DECLINED, Standing, StatusMap


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


@pytest.mark.parametrize(
    ("rules", "category", "status", "resolution", "expected"),
    [
        (StatusRules(done=("Erledigt",)), "indeterminate", "erledigt", None, Standing(Phase.DONE)),
        (StatusRules(done=("7",)), "new", "Irgendwas", None, Standing(Phase.DONE)),
        (StatusRules(rejected=("Abgelehnt",)), "done", "Abgelehnt", None, Standing(Phase.DECLINED)),
        (
            StatusRules(done=("category:done",), rejected=("Abgelehnt",)),
            "done",
            "Abgelehnt",
            None,
            Standing(Phase.DECLINED),
        ),
        (StatusRules(in_progress=("Wartet",)), "done", "Wartet", None, Standing(Phase.OPEN, in_progress=True)),
        (
            StatusRules(done=("category:done",), rejected_resolutions=("Nein",)),
            "done",
            "Zu",
            "nein",
            Standing(Phase.DECLINED),
        ),
        (StatusRules(done_resolutions=("Declined",)), "done", "Zu", "Declined", Standing(Phase.DONE)),
        (StatusRules(done=("Erledigt",)), "done", "Zu", None, Standing(Phase.DONE, unmapped=True)),
        (StatusRules(), "undefined", "Zu", None, Standing(Phase.OPEN, unmapped=True)),
        (StatusRules(), "indeterminate", "x", None, Standing(Phase.OPEN, in_progress=True)),
    ],
)
def test_what_policy_says_comes_before_the_category(
    rules: StatusRules, category: str, status: str, resolution: str | None, expected: Standing
) -> None:
    found = StatusMap(rules=rules).standing(category=category, status=status, resolution=resolution, status_id="7")
    assert found == expected
