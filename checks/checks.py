"""All checks, each with its name: programs that look at the project, the house's own rules, and the generated pages."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from checks import pages, rules
from checks.tree import ROOT, Finding, Tree

#: What is run as a program, and how. None of them changes a file.
_PROGRAMS: dict[str, Sequence[str]] = {
    "ruff check": ("ruff", "check", "--quiet", "--output-format", "concise", "."),
    "ruff format": ("ruff", "format", "--check", "--output-format", "concise", "."),
    "mypy": ("mypy", "--no-error-summary"),
    "import-linter": ("lint-imports", "--no-logo"),
    "deptry": ("deptry", "--no-ansi", "."),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One check: ``run`` gives what it found, as lines to show; none means all is well."""

    name: str
    run: Callable[[], Sequence[str]]


def all_checks(tree: Tree) -> Iterator[Check]:
    """Every check, the slowest first."""
    for name in sorted(_PROGRAMS, key=lambda name: name != "mypy"):
        yield Check(name, lambda name=name: _program(_PROGRAMS[name]))  # type: ignore[misc] # bound in the loop
    for rule in modules_of(rules):
        yield Check(_name(rule), lambda rule=rule: [str(finding) for finding in rule.findings(tree)])  # type: ignore[misc] # bound in the loop
    for page in modules_of(pages):
        yield Check(page.PATH, lambda page=page: [str(finding) for finding in stale(page, tree)])  # type: ignore[misc] # bound in the loop


def modules_of(package: ModuleType) -> Iterator[ModuleType]:
    """The modules of a package, by name."""
    for found in pkgutil.iter_modules(package.__path__):
        yield importlib.import_module(f"{package.__name__}.{found.name}")


def stale(page: ModuleType, tree: Tree) -> Iterator[Finding]:
    """A generated page that is not what would be generated now."""
    if page.PATH not in tree.paths or tree.read(page.PATH) != page.text():
        yield Finding(page.PATH, "is not what the code says now; run make fix.")


def write_pages(root: Path = ROOT) -> list[str]:
    """Write the generated pages; the paths of those that changed."""
    changed = []
    for page in modules_of(pages):
        path, text = root / page.PATH, page.text()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(page.PATH)
    return changed


def _name(rule: ModuleType) -> str:
    return rule.__name__.rpartition(".")[2]


def _program(words: Sequence[str]) -> list[str]:
    program = Path(sys.executable).with_name(words[0])
    ended = subprocess.run([program, *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if ended.returncode == 0:
        return []
    return [line for line in (ended.stdout + ended.stderr).splitlines() if line.strip()] or ["failed without a word"]
