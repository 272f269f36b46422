"""What people complain about in products like this one, in their words, and the tests that keep it from being true of ours.

Each complaint is a case here, so that one that nothing answers any more is noticed: a test was renamed, or left to the long run.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

_TESTS = Path(__file__).resolve().parents[1]

#: The complaint, and the tests that break when it comes true.
ANSWERS: dict[str, tuple[str, ...]] = {
    "the first of two overlapping requests to end takes the access of the second": (
        "tasks/test_ending.py::test_the_first_of_two_to_end_takes_nothing_and_the_last_takes_it",
    ),
    "it says revoked, and the access stays": (
        "tasks/test_ending.py::test_an_expiry_by_ticket_asks_for_it_and_believes_only_the_system",
        "tasks/test_ending.py::test_an_expiry_is_never_given_up",
    ),
    "expired here, still there, and then imported as if somebody had given it anew": (
        "tasks/test_reconciliation.py::test_what_was_taken_away_and_comes_back_has_returned",
    ),
    "the sync makes access for a time access for good": (
        "tasks/test_reconciliation.py::test_what_claims_explain_is_no_finding",
        "tasks/test_reconciliation.py::test_what_our_own_late_write_took_is_given_again_under_the_same_claim",
    ),
    "the next sync puts the member of a Jira group back that was taken in the directory": (
        "tasks/test_feeding.py::test_it_ends_with_its_claim_whichever_way_and_is_seen_gone",
    ),
    "the time counts from the request and not from the access": (
        "tasks/test_giving.py::test_access_is_given_and_seen_before_the_clock_starts",
        "tasks/test_times_of_access.py::test_the_clock_starts_when_access_is_seen_though_its_ticket_is_open",
    ),
    "nobody says that access ends soon, and to extend it is to ask anew": (
        "tasks/test_events.py::test_notice_is_given_once_at_its_time_also_after_restarts",
        "tasks/test_extending.py::test_access_that_is_extended_lasts_from_the_old_end_and_is_never_taken_between",
    ),
    "the ticket is closed, and the access stays": (
        "tasks/test_times_of_access.py::test_access_goes_when_its_issue_is_closed",
    ),
    "nobody can say 'I am done', and an administrator has no red button": (
        "cli/test_ending.py::test_what_would_be_ended_is_shown_and_then_is_ended",
        "cli/test_people.py::test_everything_of_a_person_is_planned_and_shown_with_what_nobody_can_end",
    ),
    "members of groups cannot be members for a time": (
        "tasks/test_ending.py::test_access_goes_when_its_time_is_up",
        "flow/test_operations.py::test_a_jumpcloud_group_of_any_name_gets_a_member_and_loses_it",
    ),
    "access that begins later is given though the person may not have it any more": (
        "tasks/test_times_of_access.py::test_policy_is_asked_when_the_request_comes_in_and_again_at_the_start",
        "tasks/test_times_of_access.py::test_access_ends_at_its_fixed_end_whenever_it_began",
    ),
    "when access has expired, auditors find no history": (
        "cli/test_receipt.py::test_a_receipt_says_who_asked_who_approved_what_was_read_and_that_it_is_gone",
    ),
    "to deactivate a Jira account does nothing and says nothing": (
        "connectors/test_atlassian_suspension.py::test_an_account_is_suspended_and_seen_shut_with_no_seat_left",
        "connectors/test_atlassian_suspension.py::test_whom_the_organization_does_not_suspend_is_left_to_a_person",
    ),
    "an address that names nobody, or several, is taken for somebody": (
        "connectors/test_jira_finding.py::test_several_hidden_accounts_match_none",
        "connectors/test_jira_finding.py::test_a_mistyped_address_matches_none_and_near_ones_are_offered",
    ),
    "a group cannot be kept to exactly those who should be in it": (
        "tasks/test_reconciliation.py::test_with_auto_it_does_not_wait",
    ),
    "a list of JumpCloud comes short, and nobody notices": (
        "connectors/test_paging.py::test_a_short_page_in_the_middle_is_no_end",
        "connectors/test_paging.py::test_a_total_the_rows_do_not_come_to_is_a_shift",
        "connectors/test_jumpcloud_reading_paging.py::test_connections_to_nothing_shorten_no_list",
        "tasks/test_disasters.py::test_a_list_cut_short_takes_nothing_and_nothing_when_it_is_whole_again",
    ),
    "groups of JumpCloud are not read": (
        "sync/test_whole_syncs.py::test_a_snapshot_of_jumpcloud_replaces_the_last_one",
    ),
    "the sync deletes everybody and adds everybody again": (
        "tasks/test_reconciliation.py::test_twice_with_nothing_changed_does_nothing",
    ),
    "an answer of 200 with missing data deletes everybody": (
        "tasks/test_disasters.py::test_a_list_that_is_empty_for_a_day_takes_nothing_and_nothing_when_it_is_back",
        "tasks/test_disasters.py::test_short_lists_that_lose_a_few_for_days_take_nothing_when_these_are_back",
    ),
    "the breaker holds what was to end": (
        "tasks/test_disasters.py::test_foreseen_ends_are_kept_whatever_is_held",
        "tasks/test_disasters.py::test_with_a_process_at_work_no_end_is_held",
    ),
    "there is no way to see what a sync would do before it does it": (
        "flow/test_modes.py::test_nothing_is_changed_until_it_is_switched_on",
        "tasks/test_reconciliation.py::test_what_is_strict_waits_for_an_approval",
    ),
    "access stands with nothing that will ever end it, and each alarm comes alone": (
        "tasks/test_reconciliation.py::test_access_that_nothing_explains_is_unexpected",
        "tasks/test_faults.py::test_what_three_subjects_met_holds_all_and_a_row_at_a_time_tests_it",
    ),
    "what drifts is either reported for ever or put right without asking": (
        "tasks/test_reconciliation.py::test_what_is_watched_is_only_reported",
        "tasks/test_reconciliation.py::test_what_an_administrator_removed_is_never_put_back",
    ),
    "the sync keeps people who are gone": (
        "tasks/test_leavers.py::test_of_the_deleted_everything_goes_by_itself_and_the_plan_says_so",
        "tasks/test_leavers.py::test_what_a_false_list_hid_of_somebody_who_left_goes_when_a_later_one_shows_it",
    ),
    "one change is passed on twice": (
        "tasks/test_giving.py::test_a_write_that_does_not_show_yet_is_not_made_twice",
        "tasks/test_extending.py::test_the_same_extension_twice_extends_once",
    ),
}


@pytest.mark.parametrize("complaint", ANSWERS)
def test_nobody_can_complain_that(complaint: str) -> None:
    for answer in ANSWERS[complaint]:
        file, _, name = answer.partition("::")
        found = [
            each
            for each in ast.walk(ast.parse((_TESTS / file).read_text("utf-8")))
            if isinstance(each, ast.FunctionDef) and each.name == name
        ]
        assert found, f"{answer} is not there any more"
        assert not any("mark.long" in ast.unparse(mark) for mark in found[0].decorator_list), f"{answer} runs seldom"
