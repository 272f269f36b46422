import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.email_address import lower_case, normalized, same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada@Acme.Example", "ada@acme.example"),
        (" ada@acme.example ", "ada@acme.example"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@b\N{LATIN SMALL LETTER U}\N{COMBINING DIAERESIS}cher.example", "ada@bücher.example"),
        ("ada@bücher_1.example", "ADA@BÜCHER_1.example"),
    ],
)
def test_case_and_the_form_of_the_domain_make_no_difference(one: str, other: str) -> None:
    assert same(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("maße@acme.example", "masse@acme.example"),
        ("ada@maße.example", "ada@masse.example"),
        ("\N{KELVIN SIGN}im@acme.example", "kim@acme.example"),
        ("jos\N{LATIN SMALL LETTER E WITH ACUTE}@acme.example", "jose@acme.example"),
        ("ada@acme.example", "ada@acme.example.org"),
        ("", "ada@acme.example"),
    ],
)
def test_nothing_else_makes_two_addresses_one(one: str, other: str) -> None:
    assert not same(one, other)


@given(st.emails() | st.text(max_size=40))
def test_the_form_of_an_address_is_an_address_of_the_same_form(address: str) -> None:
    assert normalized(normalized(address)) == normalized(address)
    assert normalized(lower_case(address)) == normalized(address)


@given(st.emails())
def test_an_ascii_address_keeps_the_key_that_earlier_versions_stored(address: str) -> None:
    assert normalized(address) == lower_case(address) == address.casefold()
