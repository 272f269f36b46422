"""The mapping file of the truth audit: what it means, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from access.entitlements import ResourceKind, System
from access.methods import Direction
from access.truth_naming import NameProof
from config.errors import SettingsError
from config.truth_mapping import MappingFile, load_truth_mapping

WHOLE = """\
jql: project = ACCESS
person: {field: [Requested for, Reporter], names: unique}
thing:
  field: Summary
  pattern: 'to (?P<thing>.+)$'
  kind: [jumpcloud:group, jira:project-role]
  called: {VPN: 'jumpcloud:group:vpn-users:member'}
action: {field: Labels, give: [rein], take: [raus], otherwise: give}
end: {field: Until, never: [ewig]}
declined: [Abgelehnt]
dates: ['%d.%m.%Y']
time_zone: Europe/Berlin
csv: {key: Nummer, done: [Fertig]}
"""
SMALL = "person: {field: Who}\nthing: {field: What, kind: jumpcloud:group}\naction: {otherwise: take}\n"


def load(folder: Path, text: str) -> MappingFile:
    file = folder / "truth.yaml"
    file.write_text(text)
    return load_truth_mapping(file)


def test_a_whole_file_is_understood(tmp_path: Path) -> None:
    found = load(tmp_path, WHOLE)
    mapping = found.mapping
    assert [source.field for source in mapping.person] == ["Requested for", "Reporter"]
    assert mapping.names is NameProof.UNIQUE
    assert mapping.kinds == ((System.JUMPCLOUD, ResourceKind.GROUP), (System.JIRA, ResourceKind.PROJECT_ROLE))
    assert mapping.thing[0].pattern is not None
    assert (mapping.give, mapping.take, mapping.otherwise) == (("rein",), ("raus",), Direction.GIVE)
    assert mapping.never == ("", "ewig")
    assert mapping.zone == ZoneInfo("Europe/Berlin")
    assert (found.jql, found.declined) == ("project = ACCESS", ("Abgelehnt",))
    assert found.columns == {"key": ("Nummer",), "done": ("Fertig",)}
    assert mapping.fields == ["Requested for", "Reporter", "Summary", "Labels", "Until"]


def test_tickets_that_all_ask_for_the_same_need_no_field_for_it(tmp_path: Path) -> None:
    mapping = load(tmp_path, SMALL).mapping
    assert (mapping.action, mapping.otherwise, mapping.end) == ((), Direction.TAKE, ())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (SMALL.replace("jumpcloud:group", "jumpcloud:grupp"), "is no kind of thing"),
        (SMALL.replace("jumpcloud:group", "jira:application"), "is no kind of thing"),
        (SMALL.replace(", kind: jumpcloud:group", ""), "thing.kind is not set"),
        (SMALL.replace("{field: Who}", "{field: Who, pattern: '('}"), "is not a regular expression"),
        (SMALL + "time_zone: Mars/Olympus\n", "is not a time zone"),
        (SMALL + "nonsense: 1\n", "nonsense"),
        ("thing: {field: What, kind: jumpcloud:group}\naction: {otherwise: give}\n", "person"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong(tmp_path: Path, wrong: str, told: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load(tmp_path, wrong)
    assert told in " ".join(raised.value.problems)
