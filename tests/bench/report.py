"""Puts what was measured into docs/performance.md, between the comments that say where."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.bench.rows import RESULTS
from tests.bench.subjects import SUBJECTS
from tests.support.early import ROOT

PAGE = ROOT / "docs" / "performance.md"
# What the page calls a unit of the command's table, which keeps to ASCII and says of what it is.
UNITS = {
    "us": "µs",
    "us/message": "µs",
    "us a plan": "µs",
    "uEUR": "µEUR",
    "KB/session": "KB",
    "messages/s": "/s",
    "% lost": "%",
}
_HEAD = ("| Row | What | Value | Baseline | Ratio | Target | |", "|---|---|---|---|---|---|---|")
_NOTHING = "-"


def write_page(page: Path = PAGE, results: Path = RESULTS) -> None:
    """Fill each place of the page with the rows of its subject that have ever been measured here."""
    known = {each["row"]: each for each in json.loads(results.read_text())}
    text = page.read_text(encoding="utf-8")
    for subject, whats in SUBJECTS.items():
        found = {name: what for name, what in whats.items() if name in known}
        if found:
            text = _filled(text, subject, _section(known, found))
    page.write_text(text, encoding="utf-8")


def _filled(text: str, subject: str, section: str) -> str:
    place = re.compile(rf"(<!-- rows: {re.escape(subject)} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not place.search(text):
        raise LookupError(f"the page has no place for {subject!r}")
    return place.sub(lambda found: f"{found[1]}{section}{found[2]}", text)


def _section(known: Mapping[str, Mapping[str, Any]], whats: Mapping[str, str]) -> str:
    rows = [known[name] for name in whats]
    lines = [*_HEAD, *(_line(row, whats[row["row"]]) for row in rows), "", *_measured(rows), ""]
    return "\n".join(lines)


def _line(row: Mapping[str, Any], what: str) -> str:
    of_ratio = row["ratio"] is not None
    target = _NOTHING if row["target"] is None else f"≤ {_number(row['target'])}{'' if of_ratio else _unit(row)}"
    verdict = "" if row["target"] is None else "met" if row["ok"] else "**missed**"
    baseline = _NOTHING if row["baseline"] is None else f"{_number(row['baseline'])}{_unit(row)}"
    ratio = f"{row['ratio']:.2f}" if of_ratio else _NOTHING
    cells = (f"`{row['row']}`", what, f"{_number(row['value'])}{_unit(row)}", baseline, ratio, target, verdict)
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def _measured(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    runs = dict.fromkeys((row.get("date", "an earlier day"), row.get("machine", "a machine not noted")) for row in rows)
    return [f"Measured on {date}: {machine}." for date, machine in runs]


def _unit(row: Mapping[str, Any]) -> str:
    unit: str = UNITS.get(row["unit"], row["unit"])
    return f" {unit}" if unit not in ("messages", "/s") else "/s" if unit == "/s" else ""


def _number(value: float) -> str:
    size = abs(value)
    text = f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
