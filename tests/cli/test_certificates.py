"""A certificate lets a stranger check, without anything of ours, that an exported file is complete and unchanged."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.export import COLUMNS
from tests.cli.command_result import RunCommand

CHECKER = Path(__file__).parents[2] / "docs" / "examples" / "check_certificate.py"


@pytest.fixture
def exported(provisor: RunCommand, both: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A file of grants as the simulated systems were read, and its certificate."""
    assert provisor("sync", "-c", both).code == 0
    file = tmp_path / "grants.csv"
    assert provisor("export", "grants", "-c", both, "-o", file).code == 0
    return file, tmp_path / "grants.csv.certificate.json"


def check(*files: Path) -> tuple[int, str]:
    ran = subprocess.run(
        [sys.executable, "-I", str(CHECKER), *map(str, files)], capture_output=True, text=True, timeout=60, check=False
    )
    return ran.returncode, ran.stdout + ran.stderr


def test_the_checkers_are_short_and_import_nothing_of_ours() -> None:
    for name, lines in (("check_certificate.py", 80), ("check_receipt.py", 40)):
        text = (CHECKER.parent / name).read_text()
        assert len(text.splitlines()) <= lines
        imported = {line.split()[1] for line in text.splitlines() if line.startswith(("import ", "from "))}
        assert imported <= set(sys.stdlib_module_names)


def test_every_list_that_was_read_is_in_the_certificate(exported: tuple[Path, Path]) -> None:
    document = json.loads(exported[1].read_text())
    assert [each["system"] for each in document["snapshots"]] == ["jira", "jumpcloud"]
    for snapshot in document["snapshots"]:
        lists = snapshot["lists"]
        assert snapshot["tenant"]
        assert len(lists) == snapshot["lists_in_all"] > 1
        assert snapshot["not_told_how"] == 0
        assert all(each["readings"] == 1 for each in lists)
        assert any(each["totals"] for each in lists)
        assert 0 < sum(each["calls"] for each in lists) <= snapshot["calls_of_run"]
    assert document["columns"] == list(COLUMNS["grants"])


def test_an_exported_file_is_checked_by_a_stranger(exported: tuple[Path, Path]) -> None:
    file, certificate = exported
    code, said = check(certificate)
    assert code == 0, said
    assert "complete and unchanged since" in said
    moved = file.rename(file.with_name("elsewhere.csv"))
    assert check(certificate, moved)[0] == 0
    assert check(certificate)[0] == 1


def test_a_file_of_json_lines_is_checked_too(provisor: RunCommand, both: Path, tmp_path: Path) -> None:
    assert provisor("sync", "-c", both).code == 0
    for number, words in enumerate((("accounts",), ("grants", "--system", "jira"))):
        file = tmp_path / f"{number}.jsonl"
        assert provisor("export", *words, "-c", both, "--format", "jsonl", "-o", file).code == 0
        code, said = check(tmp_path / f"{number}.jsonl.certificate.json")
        assert code == 0, said


def doctored(certificate: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a certificate as somebody does who knows how it is made."""
    document = json.loads(certificate.read_text())
    del document["document_sha256"]
    change(document)
    raw = (json.dumps(document, sort_keys=True, indent=1, ensure_ascii=True) + "\n").encode()
    document["document_sha256"] = hashlib.sha256(raw).hexdigest()
    certificate.write_text(json.dumps(document, sort_keys=True, indent=1, ensure_ascii=True) + "\n")


Doctoring = Callable[[dict[str, Any]], object]

DOCTORED: list[tuple[Doctoring, str]] = [
    (lambda document: document["snapshots"][0]["lists"].pop(), "not those that the snapshot was made of"),
    (lambda document: _with_total(document).update(said=4711), "another number of rows than the service said"),
    (
        lambda document: document["snapshots"][1].update(completed_at="2020-01-01T00:00:00.000000Z"),
        "was not read before",
    ),
    (lambda document: document.update(rows=4711), "another number of rows than certified"),
    (lambda document: document.update(sha256="0" * 64), "was changed"),
    (lambda document: document["columns"].pop(), "other columns"),
]


def _with_total(document: dict[str, Any]) -> dict[str, Any]:
    total: dict[str, Any] = next(each for each in document["snapshots"][0]["lists"] if each["totals"])["totals"][0]
    return total


def test_a_certificate_that_contradicts_itself_is_found(exported: tuple[Path, Path]) -> None:
    good = exported[1].read_bytes()
    for change, says in DOCTORED:
        exported[1].write_bytes(good)
        doctored(exported[1], change)
        code, said = check(exported[1])
        assert (code, says in said) == (1, True), said


def test_any_byte_that_is_changed_is_found(exported: tuple[Path, Path], tmp_path: Path) -> None:
    """The checker's own functions, in this process: a process for each byte would take minutes."""
    namespace: dict[str, Any] = {"__name__": "checker"}
    exec(compile(CHECKER.read_text(), str(CHECKER), "exec"), namespace)  # noqa: S102 - the file under test
    main = namespace["main"]
    certificate = exported[1]
    good = {path: path.read_bytes() for path in exported}
    assert main(str(certificate)) == 0

    @settings(max_examples=150)
    @given(
        which=st.sampled_from(exported),
        place=st.integers(0, 10**6),
        what=st.integers(1, 255),
        how=st.sampled_from("xid"),
    )
    def a_change_is_found(which: Path, place: int, what: int, how: str) -> None:
        raw = bytearray(good[which])
        place %= len(raw)
        if how == "x":
            raw[place] ^= what
        elif how == "i":
            raw.insert(place, what)
        else:
            del raw[place]
        which.write_bytes(raw)
        try:
            assert raw == good[which] or _found(main, certificate)
        finally:
            which.write_bytes(good[which])

    a_change_is_found()


def _found(main: Callable[[str], int], certificate: Path) -> bool:
    try:
        return main(str(certificate)) == 1
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        return True
