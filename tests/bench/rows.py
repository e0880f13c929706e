"""What a benchmark says, and where it is kept."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from tests.support.early import ROOT

RESULTS = ROOT / ".flexhub" / "bench.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure. With a `baseline` of the same run `target` bounds `ratio`, else it bounds `value`.

    Without a target it is shown beside another row.
    """

    row: str
    value: float
    unit: str
    target: float | None = None
    baseline: float | None = None

    @property
    def ratio(self) -> float | None:
        return None if self.baseline is None else self.value / self.baseline

    @property
    def ok(self) -> bool:
        return self.target is None or (self.value if self.ratio is None else self.ratio) <= self.target

    def as_dict(self) -> dict[str, object]:
        numbers = asdict(self) | {"ratio": self.ratio}
        rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in numbers.items()}
        order = ("row", "value", "unit", "baseline", "ratio", "target")
        return {name: rounded[name] for name in order} | {"ok": self.ok}


def keep(rows: Iterable[Row], path: Path = RESULTS) -> None:
    """Write the rows, with day and machine; those of earlier runs that were not measured again stay."""
    known = {each["row"]: each for each in json.loads(path.read_text())} if path.exists() else {}
    here = {"date": datetime.now(UTC).date().isoformat(), "machine": machine()}
    known.update({each.row: each.as_dict() | here for each in rows})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(known.values()), indent=2) + "\n")


def machine() -> str:
    """What a figure depends on most."""
    models = re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory_gb = psutil.virtual_memory().total / 1024**3
    processor = models[0].strip() if models else platform.machine()
    return f"{processor}, {os.cpu_count()} cores, {memory_gb:.0f} GB, Python {platform.python_version()}"


def table(rows: Iterable[Row]) -> str:
    lines = [f"{'row':<20} {'value':>10} {'unit':<12} {'baseline':>10} {'ratio':>7} {'target':>7}"]
    for each in rows:
        baseline = "" if each.baseline is None else f"{each.baseline:.1f}"
        ratio = "" if each.ratio is None else f"{each.ratio:.2f}"
        target = "" if each.target is None else f"{each.target:g}"
        verdict = "" if each.target is None else "ok" if each.ok else "MISSED"
        head = f"{each.row:<20} {each.value:>10.1f} {each.unit:<12}"
        lines.append(f"{head} {baseline:>10} {ratio:>7} {target:>7} {verdict}".rstrip())
    return "\n".join(lines)
