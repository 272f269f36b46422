import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from access.entitlements import RIGHTS, EntitlementRef, ResourceKind, System, written_form

names = st.text(min_size=1, max_size=40).filter(lambda text: "\0" not in text)


@st.composite
def refs(draw: st.DrawFn) -> EntitlementRef:
    system = draw(st.sampled_from(System))
    kind = draw(st.sampled_from(sorted(system.kinds)))
    parts = RIGHTS[kind][1]
    path = tuple(draw(st.lists(names, min_size=parts, max_size=parts)))
    return EntitlementRef(system=system, kind=kind, path=path)


@given(refs())
@settings(deadline=None, max_examples=100)
def test_any_name_survives_being_written_and_read(ref: EntitlementRef) -> None:
    assert EntitlementRef.parse(str(ref)) == ref


@given(st.text(max_size=60))
@settings(deadline=None, max_examples=100)
def test_any_text_is_an_entitlement_or_is_refused_in_words(text: str) -> None:
    try:
        refusal, ref = None, EntitlementRef.parse(text)
    except ValueError as exc:
        refusal, ref = exc, None
    if ref is not None:
        assert EntitlementRef.parse(str(ref)) == ref
    else:
        assert str(refusal).endswith(".")
        assert not isinstance(refusal, UnicodeError)


@pytest.mark.parametrize("name", ["Zürich Ops", "R&D / Tools", "a*b", "[Eng] all", 'say "hi"', "東京"])
def test_names_stay_readable_so_that_patterns_can_be_written_against_them(name: str) -> None:
    assert str(EntitlementRef(System.JIRA, ResourceKind.GROUP, (name,))) == f"jira:group:{name}:member"


def test_only_a_colon_and_a_percent_sign_are_encoded() -> None:
    ref = EntitlementRef(System.JIRA, ResourceKind.PROJECT_ROLE, ("PAY", "on-call: 100%"))
    assert str(ref) == "jira:project-role:PAY:on-call%3A 100%25:assigned"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a system Provisor knows. Use one of: jumpcloud, jira."),
        ("github:group:x:member", "'github' is not a system Provisor knows."),
        ("jira", "names no kind of resource. Use one of: group,"),
        ("jira:team:x:member", "names no kind of resource."),
        ("jira:group:x", "Write it as jira:group:<group>:member."),
        ("jira:group:x:assigned", "Write it as jira:group:<group>:member."),
        ("jira:group::member", "Write it as jira:group:<group>:member."),
        ("jira:group:a:b:member", "Write it as jira:group:<group>:member."),
        ("jira:project-role:PAY:assigned", "Write it as jira:project-role:<project>:<role>:assigned."),
        ("jira:account:me:exists", "Write it as jira:account:exists."),
        ("jira:group:%ff:member", "Write a percent sign as %25."),
        ("jira:group:a%00b:member", "has a NUL in a name."),
    ],
)
def test_a_wrong_entitlement_is_refused_with_the_right_form(text: str, words: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the words are looked at below
        EntitlementRef.parse(text)
    assert words in str(caught.value)


def test_an_error_quotes_only_the_beginning_of_a_long_text() -> None:
    with pytest.raises(ValueError, match="is not a system") as caught:
        EntitlementRef.parse("x" * 5000)
    assert "x" * 61 not in str(caught.value)


def test_a_path_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"names 2 part\(s\), not 1"):
        EntitlementRef(System.JIRA, ResourceKind.PROJECT_ROLE, ("PAY",))


@pytest.mark.parametrize(("system", "kind"), [(system, kind) for system in System for kind in sorted(system.kinds)])
def test_every_kind_has_a_form_that_can_be_read(system: System, kind: ResourceKind) -> None:
    form = written_form(system, kind)
    assert str(EntitlementRef.parse(form)) == form
