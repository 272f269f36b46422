from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.actors import is_known, operator, producer
from access.documents import DIGEST, spelled, with_digest
from access.seals import NOTHING, SealKind, Signer, canonical, hash_of, leaf, path, root, sealed, written

AT = datetime(2026, 11, 30, 9, 0, 0, 1, tzinfo=UTC)
HASHES = st.lists(st.binary(min_size=32, max_size=32).map(bytes.hex), min_size=1, max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def climbed(digest: str, steps: list[tuple[str, str]]) -> str:
    """As a checker climbs that knows nothing of ours."""
    reached = bytes.fromhex(digest)
    for side, other in steps:
        pair = bytes.fromhex(other) + reached if side == "left" else reached + bytes.fromhex(other)
        reached = sha256(b"\x01" + pair).digest()
    return reached.hex()


@given(leaves=HASHES, data=st.data())
def test_every_row_leads_to_the_digest_of_its_batch_and_no_other_row_does(
    leaves: list[str], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(leaves) - 1))
    steps = path(leaves, place)
    assert climbed(leaves[place], steps) == root(leaves)
    assert climbed(sha256(b"another").hexdigest(), steps) != root(leaves)
    assert len(steps) <= len(leaves).bit_length()


@given(leaves=HASHES, data=st.data())
def test_a_batch_has_another_digest_when_a_row_is_moved_left_out_or_added(
    leaves: list[str], data: st.DataObject
) -> None:
    digest = root(leaves)
    assert root([*leaves, leaves[-1]]) != digest
    assert len(leaves) == 1 or root(leaves[:-1]) != digest
    moved = data.draw(st.permutations(leaves))
    assert (root(moved) == digest) == (moved == leaves)


@given(row=JSON, other=JSON)
def test_two_rows_are_spelled_alike_only_when_they_are_the_same(row: Any, other: Any) -> None:
    again = json.loads(canonical(row))
    assert canonical(again) == canonical(row)
    assert (canonical(row) == canonical(other)) == (
        json.dumps(row, sort_keys=True) == json.dumps(other, sort_keys=True)
    )


@given(document=st.dictionaries(st.text(), JSON, max_size=4))
def test_a_document_is_its_own_spelling_and_its_digest_covers_all_else(document: dict[str, Any]) -> None:
    whole = with_digest(document)
    read = json.loads(spelled(whole))
    assert spelled(read) == spelled(whole)
    del read[DIGEST]
    assert sha256(spelled(read)).hexdigest() == whole[DIGEST]


def test_the_salt_counts() -> None:
    assert leaf("00" * 16, {"a": 1}) != leaf("01" * 16, {"a": 1})


def test_a_moment_has_one_spelling() -> None:
    assert written(AT) == written(AT.astimezone(timezone(timedelta(hours=5)))) == "2026-11-30T09:00:00.000001Z"


def test_a_seal_covers_all_that_it_says_and_only_the_key_that_signed_it_fits() -> None:
    key = Signer("one")
    seal = sealed(1, SealKind.REMOVAL, previous=NOTHING, at=AT, rows=3, statement={"rows": [1]}, signer=key)
    assert hash_of(seal) == seal.hash
    assert seal.signature is not None
    assert key.signed(seal.hash, seal.signature)
    assert not Signer("other").signed(seal.hash, seal.signature)
    assert Signer("other").key_id != key.key_id
    assert "one" not in key.key_id


@pytest.mark.parametrize(
    "actor", [operator("ada"), producer("exchange: shop"), producer(""), operator(""), "provisor", "scheduler"]
)
def test_authors_are_known(actor: str) -> None:
    assert is_known(actor)


@pytest.mark.parametrize("actor", ["", "ada", "operator:", "producer", "Provisor", " provisor", "operator"])
def test_others_are_not(actor: str) -> None:
    assert not is_known(actor)
