"""`python -m tests.bench [ROW]`: measure the rows (or one), print them, and write them to .flexhub/bench.json.

When all were measured they are put into docs/performance.md too; `--docs` does that with what is there already.

A row is a function without arguments that returns a Row. Those of one subject share a module, listed in `GROUPS`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping

from tests.bench import (
    building_rows,
    crowd_rows,
    envelope_rows,
    gateway_rows,
    hosted_rows,
    list_rows,
    loop_rows,
    mode_rows,
    profile_rows,
    reaction_rows,
    relay_rows,
    s2_rows,
    store_rows,
)
from tests.bench.report import write_page
from tests.bench.rows import RESULTS, Row, keep, table

GROUPS: tuple[Mapping[str, Callable[[], Row]], ...] = (
    gateway_rows.ROWS,
    crowd_rows.ROWS,
    relay_rows.ROWS,
    list_rows.ROWS,
    s2_rows.ROWS,
    mode_rows.ROWS,
    store_rows.ROWS,
    building_rows.ROWS,
    profile_rows.ROWS,
    envelope_rows.ROWS,
    hosted_rows.ROWS,
    reaction_rows.ROWS,
    loop_rows.ROWS,
)


def main() -> int:
    measures = {name: measure for group in GROUPS for name, measure in group.items()}
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure the hub's budgets.")
    parser.add_argument("row", nargs="?", choices=sorted(measures), help="one row only")
    parser.add_argument("--docs", action="store_true", help="measure nothing, and write docs/performance.md")
    arguments = parser.parse_args()
    if arguments.docs:
        write_page()
        return 0
    chosen = arguments.row
    rows: list[Row] = []
    for name in [chosen] if chosen else measures:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)  # noqa: T201  # A command line's progress.
        rows.append(measures[name]())
        keep(rows)
    if not chosen:
        write_page()
    print(table(rows))  # noqa: T201  # What the command is for.
    print(f"written to {RESULTS}", file=sys.stderr)  # noqa: T201  # As above.
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
