from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from access.clock import Clock, SystemClock
from cli import output
from cli.doctor_own import examine_broker, examine_policy, examine_store
from cli.doctor_ticketing import examine_ticketing
from cli.store_access import load_settings
from config.errors import SettingsError
from config.settings import Settings
from tasks.doctor.findings import Area, Finding, Outcome
from worker.systems.kit import Examination, Systems
from worker.systems.table import SYSTEMS

_MARKS = {Outcome.OK: "ok", Outcome.UNKNOWN: "not proven", Outcome.WARNING: "warning", Outcome.PROBLEM: "PROBLEM"}
_STYLES = {Outcome.OK: "green", Outcome.UNKNOWN: "dim", Outcome.WARNING: "yellow", Outcome.PROBLEM: "bold red"}


def show(config: Path | None, *, quiet: bool, as_json: bool, clock: Clock | None = None) -> bool:
    """Examine everything and print what was found; whether there is no problem. Raises ``Problem`` for the settings."""
    findings = examine(load_settings(config), clock or SystemClock())
    shown = [each for each in findings if not quiet or each.outcome is not Outcome.OK]
    if as_json:
        output.print_json([_facts(each) for each in shown])
    else:
        _print(shown)
        output.print_lines(_summary(findings))
    return all(each.outcome is not Outcome.PROBLEM for each in findings)


def examine(settings: Settings, clock: Clock, systems: Systems = SYSTEMS) -> Sequence[Finding]:
    """All findings, in the order of the examinations; these run at the same time."""
    examinations: dict[str, Examination] = {"policy": examine_policy, "store": examine_store, "broker": examine_broker}
    for kit in systems.values():
        examinations |= kit.examinations
    examinations["ticketing"] = examine_ticketing
    with ThreadPoolExecutor(max_workers=len(examinations), thread_name_prefix="doctor") as pool:
        futures = [
            pool.submit(_examined, name, examination, settings, clock) for name, examination in examinations.items()
        ]
        found = [finding for future in futures for finding in future.result()]
    if not any(section.enabled for section in settings.systems.values()):
        found.append(
            Area("systems").problem(
                "connected",
                "No system is connected.",
                f"Set a credential under {' or '.join(settings.systems)} in the settings.",
            )
        )
    return found


def _examined(name: str, examination: Examination, settings: Settings, clock: Clock) -> list[Finding]:
    """What one examination found before it was through or could not go on."""
    found: list[Finding] = []
    try:
        for finding in examination(settings, clock):
            found.append(finding)  # noqa: PERF402 - what was found before a failure is kept
    except SettingsError as exc:
        found += [Area(name).problem("settings", problem, "Correct it in the settings.") for problem in exc.problems]
    except Exception as exc:  # noqa: BLE001 - one examination that breaks must not hide what the others found
        found.append(
            Area(name).problem("examination", f"The examination broke off ({type(exc).__name__}).", "Report it.")
        )
    return found


def _print(findings: Sequence[Finding]) -> None:
    from rich.console import Console
    from rich.text import Text

    # A sentence that is read by a program must not be broken in two: rich only where a person looks.
    console = Console(soft_wrap=True, highlight=False)
    area = ""
    for each in findings:
        if each.area != area:
            area = each.area
            console.print(Text(area, style="bold"))
        mark = Text(f"  {_MARKS[each.outcome]:<10}  ", style=_STYLES[each.outcome])
        console.print(mark + Text(f"{each.check}: {output.cell(str(each))}"))


def _summary(findings: Sequence[Finding]) -> str:
    counts = Counter(each.outcome for each in findings)
    problems, warnings = counts[Outcome.PROBLEM], counts[Outcome.WARNING]
    said = [
        f"{number} {word}{'' if number == 1 else 's'}"
        for number, word in ((problems, "problem"), (warnings, "warning"))
    ]
    return f"\n{', '.join(said)}."


def _facts(finding: Finding) -> dict[str, Any]:
    return {
        "area": finding.area,
        "check": finding.check,
        "outcome": str(finding.outcome),
        "message": finding.what,
        "remedy": finding.remedy,
    }
