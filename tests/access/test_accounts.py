import pytest

from access.accounts import NoMatch, Subject


def test_a_subject_names_somebody() -> None:
    with pytest.raises(ValueError, match="needs an email, a username or an id"):
        Subject()
    with pytest.raises(ValueError, match="needs an email"):
        Subject(email="", username="")


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (Subject(email="ada@example.com", username="ada", id="1"), "ada@example.com"),
        (Subject(username="ada", id="1"), "ada"),
        (Subject(id="1"), "1"),
    ],
)
def test_a_subject_reads_as_the_most_telling_of_its_names(subject: Subject, text: str) -> None:
    assert str(subject) == text


@pytest.mark.parametrize(
    ("no_match", "sentence"),
    [
        (NoMatch("ada"), "ada matches none. Check the spelling, or name it by its id."),
        (
            NoMatch("Enginering", ("Engineering",)),
            "Enginering matches none; did you mean Engineering? Name one that exists.",
        ),
        (
            NoMatch("Ops", ("Ops (1)", "Ops (2)"), several=True),
            "Ops matches more than one: Ops (1), Ops (2). Name one of them by its id.",
        ),
    ],
)
def test_what_matches_nothing_says_what_to_do(no_match: NoMatch, sentence: str) -> None:
    assert no_match.sentence() == sentence
