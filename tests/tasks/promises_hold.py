"""What the promises come to in a store and a system in memory, at any moment at which no work is due. One function for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import select

from access.entitlements import System
from access.fuse import PERSONS, system_scope
from access.lifecycle import ClaimState, OperationState
from access.methods import Direction
from access.operations import Claim, Operation, Purpose
from access.plans import SOURCE
from access.snapshots import RunState
from store.plan_tables import fuse_counts, plans
from store.rows import from_row
from store.tables import claims, operations, requests
from tests.fakes.local_stack import LocalStack


def done_means_seen(stack: LocalStack) -> None:
    """An operation is done when the system's own state shows it."""
    shown: dict[tuple[str, str, bool], list[datetime]] = {}
    for moment, who, ref, present in stack.system.seen:
        shown.setdefault((who, ref, present), []).append(moment)
    for each in _operations(stack):
        if each.state is OperationState.DONE:
            assert each.verified_at is not None
            key = (str(each.account_id), str(each.entitlement), each.direction is Direction.GIVE)
            assert any(each.created_at <= moment <= each.verified_at for moment in shown.get(key, [])), each


def the_right_person(stack: LocalStack) -> None:
    """An account is changed only where an operation names that very id; what ends a claim acts on the id of the claim."""
    meant = {(str(each.account_id), str(each.entitlement), str(each.direction)) for each in _operations(stack)}
    assert set(stack.system.sent) <= meant
    of_claim = {each.id: each.account_id for each in _claims(stack)}
    for each in _operations(stack):
        if each.claim_id is not None and each.account_id is not None:
            assert of_claim[each.claim_id] == each.account_id, each


def expiry_is_kept(stack: LocalStack) -> None:
    """No claim stands past its end, and none on its way out is left lying."""
    stack.run()
    now = stack.clock.now()
    for each in _claims(stack):
        assert each.state is not ClaimState.ENDING, each
        assert each.state is not ClaimState.ACTIVE or each.ends_at is None or each.ends_at > now, each


def a_claim_takes_away_only_its_own(stack: LocalStack) -> None:
    """The end of a claim takes nothing that was there before it, and nothing that another claim held then and holds now."""
    found = {each.id: each for each in _claims(stack)}
    for each in _operations(stack):
        if each.purpose is not Purpose.EXPIRY or each.wrote_at is None or each.claim_id is None:
            continue
        ended = found[each.claim_id]
        assert not ended.pre_existing, each
        for other in found.values():
            if other.access_key == ended.access_key and other.state is ClaimState.ACTIVE:
                assert other.starts_at is not None
                assert other.starts_at >= each.wrote_at, (each, other)


def taking_away_is_never_given_up(stack: LocalStack) -> None:
    """No removal has failed, whatever kept it."""
    for each in _operations(stack):
        assert each.direction is not Direction.TAKE or each.state is not OperationState.FAILED, each


def half_a_picture_changes_nothing(stack: LocalStack) -> None:
    """What is compared and acted on is a whole snapshot."""
    with stack.store.read() as work:
        snapshot = work.snapshots.current(System.JUMPCLOUD)
        compared = work.findings.reconciled(System.JUMPCLOUD)
        for run_id in {each.run_id for each in (snapshot, compared) if each is not None and each.run_id is not None}:
            run = work.sync_runs.get(run_id)
            assert run is None or run.state is RunState.COMPLETE, run


def the_fuse_holds(stack: LocalStack) -> None:
    """In no window more was taken by plans than the limit, whoever runs them; and no end that was foreseen is in a plan."""
    limits = stack.services.fuse
    with stack.store.database.read() as connection:
        rows = connection.execute(select(fuse_counts.c.scope, fuse_counts.c.ref, fuse_counts.c.at)).all()
        taking = select(requests.c.id).where(requests.c.source == SOURCE, requests.c.action != "grant")
        taken = set(connection.execute(taking).scalars())
        of_persons = set(connection.execute(select(plans.c.id).where(plans.c.person.is_not(None))).scalars())
        kinds = set(connection.execute(select(plans.c.kind)).scalars())
    for scope, limit in ((system_scope(System.JUMPCLOUD), limits.grants), (PERSONS, limits.persons)):
        moments = [row.at for row in rows if row.scope == scope]
        for moment in moments:
            within = [each for each in moments if moment - limit.window < each <= moment]
            assert len(within) <= limit.at_least, scope
    counted = {row.ref for row in rows if row.scope == system_scope(System.JUMPCLOUD)}
    assert {each for each in taken if each.partition(".")[0] not in of_persons} <= counted
    assert "clock" not in kinds


def nothing_changes_until_told_to(stack: LocalStack) -> None:
    """What is protected is left to a person, on every road."""
    protected = set(stack.services.policy.protected_accounts)
    assert not {who for who, _, _ in stack.system.sent} & protected


PROMISES: Sequence[Callable[[LocalStack], None]] = (
    expiry_is_kept,  # lets what is due be done
    done_means_seen,
    the_right_person,
    a_claim_takes_away_only_its_own,
    taking_away_is_never_given_up,
    half_a_picture_changes_nothing,
    the_fuse_holds,
    nothing_changes_until_told_to,
)


def _operations(stack: LocalStack) -> list[Operation]:
    with stack.store.database.read() as connection:
        return [from_row(Operation, row) for row in connection.execute(operations.select()).mappings()]


def _claims(stack: LocalStack) -> list[Claim]:
    with stack.store.database.read() as connection:
        return [from_row(Claim, row) for row in connection.execute(claims.select()).mappings()]
