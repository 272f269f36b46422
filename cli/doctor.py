from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from access.clock import Clock, SystemClock
from access.entitlements import EntitlementRef
from access.provisioning import Provisioning
from cli import output
from cli.options import AsJson, ConfigFile
from cli.problems import Problem
from cli.store_access import load_settings
from tasks.doctor.findings import Check, Finding, Outcome

if TYPE_CHECKING:
    from config.settings import Settings
    from store.unit_of_work import Store
    from worker.systems.definition import Examination, Systems

_POLICY_FILE = Check("policy", "file")
_POLICY_PROVISIONING = Check("policy", "provisioning")
_STORE_CERTIFICATE = Check("store", "certificate")
_STORE_CLOCK = Check("store", "clock")
_STORE_FORM = Check("store", "form")
_STORE_WRITING = Check("store", "writing")

_MARKS = {Outcome.OK: "ok", Outcome.UNKNOWN: "not proven", Outcome.WARNING: "warning", Outcome.PROBLEM: "PROBLEM"}
_STYLES = {Outcome.OK: "green", Outcome.UNKNOWN: "dim", Outcome.WARNING: "yellow", Outcome.PROBLEM: "bold red"}


def doctor(
    config: ConfigFile = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only what is not ok.")] = False,
    probe: Annotated[
        bool, typer.Option("--probe", help="Ask the systems, instead, what docs/contracts assumes of them.")
    ] = False,
    scratch: Annotated[
        list[str] | None,
        typer.Option(
            "--scratch",
            metavar="ENTITLEMENT",
            help="With --probe: a group or project role that nobody needs, to be changed and put back. May be repeated.",
        ),
    ] = None,
    cassette: Annotated[
        Path | None,
        typer.Option(
            "--cassette", metavar="FILE", help="With --probe: write the form of each answer, without names or secrets."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prove the settings: addresses, credentials, permissions, tickets, store, broker and policy. Exit 1 for any problem.

    Nothing is changed anywhere. Rights to change things are proven by asking for a change of something that is not there.
    With --probe nothing is changed but what --scratch names.
    """
    from worker.systems.table import SYSTEMS

    if (scratch or cassette) and not probe:
        raise Problem("--scratch and --cassette are for --probe.", "Add --probe, or leave them out.")
    settings = load_settings(config)
    if probe:
        from cli.doctor_probe import probe_systems

        findings: Sequence[Finding] = probe_systems(settings, SystemClock(), SYSTEMS, _named(scratch or ()), cassette)
    else:
        findings = examine(settings, SystemClock(), SYSTEMS)
    shown = [each for each in findings if not quiet or each.outcome is not Outcome.OK]
    if as_json:
        output.print_json_rows(map(_facts, shown))
    else:
        _print(shown)
        output.print_lines(_probed(findings) if probe else _summary(findings))
    raise typer.Exit(any(each.outcome is Outcome.PROBLEM for each in findings))


def _named(scratch: Sequence[str]) -> Sequence[EntitlementRef]:
    try:
        return [EntitlementRef.parse(text) for text in scratch]
    except ValueError as exc:
        raise Problem(str(exc)) from exc


def examine(settings: Settings, clock: Clock, systems: Systems) -> Sequence[Finding]:
    """All findings, in the order in which they are printed. The examinations run at the same time."""
    from cli.doctor_audit import examine_audit
    from cli.doctor_broker import examine_broker
    from cli.doctor_credentials import examine_credentials
    from cli.doctor_monitoring import examine_monitoring
    from cli.doctor_tenants import examine_tenants
    from cli.doctor_ticketing import examine_ticketing
    from cli.doctor_work import examine_work

    examinations: dict[str, Examination] = {
        "policy": _examine_policy,
        "store": _examine_store,
        "audit": examine_audit,
        "broker": examine_broker,
        "monitoring": examine_monitoring,
        "tenants": partial(examine_tenants, systems=systems),
    }
    for kit in systems.values():
        examinations |= kit.examinations
    examinations["credentials"] = examine_credentials
    examinations["ticketing"] = examine_ticketing
    examinations["work"] = examine_work
    with ThreadPoolExecutor(max_workers=len(examinations), thread_name_prefix="doctor") as pool:
        futures = [
            pool.submit(_examined, name, examination, settings, clock) for name, examination in examinations.items()
        ]
        found = [finding for future in futures for finding in future.result()]
    if not any(section.enabled for section in settings.systems.values()):
        found.append(
            Check("systems", "connected").problem(
                "No system is connected.",
                f"Set a credential under {' or '.join(settings.systems)} in the settings.",
            )
        )
    return found


def _examined(name: str, examination: Examination, settings: Settings, clock: Clock) -> list[Finding]:
    """The findings of one examination, until its end or until it failed."""
    from config.errors import SettingsError

    found: list[Finding] = []
    try:
        for finding in examination(settings, clock):
            found.append(finding)  # noqa: PERF402 - what was found before a failure is kept
    except SettingsError as exc:
        found += [Check(name, "settings").problem(problem, "Correct it in the settings.") for problem in exc.problems]
    except Exception as exc:  # noqa: BLE001 - one examination that breaks must not hide what the others found
        found.append(
            Check(name, "examination").problem(f"The examination broke off ({type(exc).__name__}).", "Report it.")
        )
    return found


def _examine_policy(settings: Settings, _clock: Clock) -> Iterator[Finding]:
    """Whether the policy loads, and what is odd about it."""
    from config.errors import SettingsError
    from worker.policy import policy_from

    if settings.policy is None:
        yield _POLICY_FILE.problem(
            "No policy file is set, so every request is refused.", "Set policy to the path of one."
        )
        return
    try:
        policy, warnings = policy_from(settings)
    except SettingsError as exc:
        for problem in exc.problems:
            yield _POLICY_FILE.problem(problem, "Check it with 'provisor policy check'.")
        return
    yield _POLICY_FILE.ok(f"{settings.policy} has {len(policy.rules)} rules.")
    for warning in warnings:
        yield _POLICY_FILE.warning(warning, "")
    if settings.provisioning is Provisioning.OFF:
        yield _POLICY_PROVISIONING.warning(
            "Provisioning is off, so requests wait.",
            "Set provisioning to plan or on when you are ready.",
        )


def _examine_store(settings: Settings, _clock: Clock) -> Iterator[Finding]:
    """Whether the store is there, in the form this version needs, and can be written to."""
    from config.urls import database_proves_itself, masked
    from store.existing_store import StoreUnusable, open_existing, sqlite_file, why_not_writable

    url, shown = settings.store.url.get_secret_value(), masked(settings.store.url)
    if not database_proves_itself(settings.store.url):
        yield _STORE_CERTIFICATE.warning(
            "The database need not prove who it is: its certificate, or the name in it, is not verified.",
            "Take sslmode out of store.url, and name your authority with sslrootcert.",
        )
    file = sqlite_file(url)
    if file is not None and not file.exists():
        folder = next(each for each in file.resolve().parents if each.exists())
        if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
            yield _STORE_WRITING.problem(
                f"No store can be made at {file}: {folder} is no directory that may be written to.",
                "Check store.url, and who may write there.",
            )
            return
        yield _STORE_FORM.unknown(f"There is no store at {file} yet; 'provisor up' makes it in {folder}.")
        return
    try:
        with open_existing(url, shown=shown, create=False) as store:
            yield _STORE_FORM.ok(f"The store at {shown} has the form of this version.")
            why_not = why_not_writable(store.database)
            if file is None:
                yield from _examine_clock(store)
    except StoreUnusable as exc:
        yield _STORE_FORM.problem(exc.what, exc.remedy)
        return
    if why_not is not None:
        yield _STORE_WRITING.problem(
            f"The store at {shown} cannot be written: {why_not}.", "Check who may write there, and its space."
        )
    else:
        yield _STORE_WRITING.ok("It can be written.")


def _examine_clock(store: Store) -> Iterator[Finding]:
    """Whether this machine's clock and the database's agree."""
    from access.clock import MeasuredClock
    from worker.clock_check import is_off, own_clock_ahead

    ahead = own_clock_ahead(MeasuredClock(store.now))
    if not is_off(ahead):
        yield _STORE_CLOCK.ok("This machine's clock agrees with the database's.")
        return
    side = "ahead of" if ahead > timedelta(0) else "behind"
    yield _STORE_CLOCK.warning(
        f"This machine's clock is {abs(ahead).total_seconds():.1f} seconds {side} the database's, which Provisor goes by.",
        "Set it by NTP.",
    )


def _print(findings: Sequence[Finding]) -> None:
    from rich.console import Console
    from rich.text import Text

    # Each finding stays on one line, so that programs can read it.
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
    return f"\n{output.counted(problems, 'problem')}, {output.counted(warnings, 'warning')}."


def _probed(findings: Sequence[Finding]) -> str:
    counts = Counter(each.outcome for each in findings)
    return f"\n{counts[Outcome.OK]} as assumed, {counts[Outcome.WARNING]} not as assumed, {counts[Outcome.UNKNOWN]} not seen."


def _facts(finding: Finding) -> dict[str, Any]:
    return {**output.facts_of(finding, "area", "check", "outcome"), "message": finding.what, "remedy": finding.remedy}
