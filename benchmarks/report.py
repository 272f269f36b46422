"""What a benchmark found: tables for people, and one JSON object with aims for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


class WrongResult(Exception):  # noqa: N818 - the one thing that fails a benchmark; a missed aim never does
    """What was measured did not do what it was to do, so its speed means nothing."""


@dataclass(frozen=True, slots=True)
class Aim:
    """A figure that ought to be on one side of another."""

    name: str
    value: float
    aim: float
    better: Literal["higher", "lower"]

    @property
    def met(self) -> bool:
        return self.value >= self.aim if self.better == "higher" else self.value <= self.aim

    def document(self) -> dict[str, Any]:
        return {"name": self.name, "value": self.value, "aim": self.aim, "better": self.better, "met": self.met}


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]

    def text(self) -> str:
        cells = [list(self.columns), *([_cell(value) for value in row] for row in self.rows)]
        widths = [max(len(row[place]) for row in cells) for place in range(len(self.columns))]
        lines = [
            "  ".join(
                text.ljust(width) if place == 0 else text.rjust(width)
                for place, (text, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in cells
        ]
        return "\n".join([self.title, "", lines[0], "-" * len(lines[0]), *lines[1:]])


@dataclass(slots=True)
class Report:
    """Filled in as a benchmark goes on."""

    benchmark: str
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    aims: list[Aim] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return {
            "benchmark": self.benchmark,
            "figures": self.figures,
            "notes": self.notes,
            "aims": [aim.document() for aim in self.aims],
        }

    def text(self) -> str:
        parts = [table.text() for table in self.tables]
        if self.aims:
            rows = [(aim.name, aim.value, f"{_sign(aim)} {aim.aim:g}", "yes" if aim.met else "no") for aim in self.aims]
            parts.append(Table("Aims", ("aim", "value", "wanted", "met"), rows).text())
        parts += [f"Note: {note}" for note in self.notes]
        return "\n\n".join(parts)


def show(reports: Sequence[Report], *, as_json: bool) -> None:
    """Print them: tables, or as the last line one object with the aims of all."""
    if not as_json:
        for report in reports:
            print(f"== {report.benchmark} ==\n\n{report.text()}\n")
        return
    documents: Sequence[Mapping[str, Any]] = [report.document() for report in reports]
    if len(documents) == 1:
        print(json.dumps(documents[0]))
    else:
        aims = [aim for document in documents for aim in document["aims"]]
        print(json.dumps({"benchmarks": documents, "aims": aims}))


def _sign(aim: Aim) -> str:
    return "at least" if aim.better == "higher" else "at most"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
