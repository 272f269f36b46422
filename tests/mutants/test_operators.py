from __future__ import annotations

import pytest

from checks.mutants.operators import mutations
from checks.mutants.sampling import draw
from tests.mutants.tiny_project import PRICES


def after(source: str) -> set[str]:
    return {each.after for each in mutations("shop/prices.py", source.encode())}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a < b", {"a <= b", "a >= b"}),
        ("a != b", {"a == b"}),
        ("(a) is not (b)", {"(a) is (b)"}),
        ("a not in b", {"a in b"}),
        ("a and b or c", {"a or b or c", "a and b and c"}),
        ("not a", {" a"}),
        ("a + b", {"a - b"}),
        ("a % 3", {"a * 3", "a % 4", "a % 2"}),
        ("'active'", {'"active_"'}),
        ("True", {"False"}),
        ("a if b else c", {"a if True else c", "a if False else c"}),
    ],
)
def test_each_operator_breaks_what_it_should(line: str, expected: set[str]) -> None:
    assert after(f"def f(a, b, c):\n    x = {line}\n") == {f"x = {each}" for each in expected}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("return a", {"return None"}),
        ("audit(a)", {"pass"}),
        ("if a:\n        b", {"if True:", "if False:"}),
        ("for x in a:\n        break", {"continue"}),
        ("a += b", {"a -= b"}),
    ],
)
def test_statements_are_broken_too(statement: str, expected: set[str]) -> None:
    assert after(f"def f(a, b):\n    {statement}\n") == expected


@pytest.mark.parametrize(
    "wording",
    [
        '_log.info("request.rests", tries=3)',
        '"""What it does."""',
        'x: "Literal[1]"',
        'x = "Ask an administrator."',
        'x = f"{a + 1} are left"',
        'raise ValueError("empty", 3)',
        "assert a is not None",
        'x = Failure(remedy="retry")',
        'x = read(a, what="users")',
        'log_postponed("request.postponed", a, tries=3)',
    ],
)
def test_wording_is_left_alone(wording: str) -> None:
    assert after(f"def f(a):\n    {wording}\n") == set()


def test_a_comment_is_not_taken_for_the_operator_behind_it() -> None:
    assert after("def f(a, b):\n    x = (a  # this and that\n        and b)\n") == {"or b)"}


def test_columns_count_bytes() -> None:
    assert after('def f(a):\n    x = ("ä ö", a < a)\n') == {'x = ("ä ö", a <= a)', 'x = ("ä ö", a >= a)'}


def test_a_seed_draws_the_same_mutants_and_another_seed_others() -> None:
    found = mutations("shop/prices.py", PRICES.encode())
    once, again, other = (draw(reversed(found), [], seed=seed, count=6)[0] for seed in (1, 1, 2))
    assert once == again
    assert once != other


def test_code_above_moves_no_draw() -> None:
    moved = PRICES.replace("_log =", "LIMIT = None\n\n_log =")
    drawn = [draw(mutations("shop/prices.py", text.encode()), [], seed=1, count=6)[0] for text in (PRICES, moved)]
    assert [each.key for each in drawn[0]] == [each.key for each in drawn[1]]
