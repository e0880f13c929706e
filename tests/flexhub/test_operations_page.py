"""docs/operations.md names what operators have to know of: variables, the schedule, and lines of the log."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flexhub.celery import app
from tenants.quota_table import Quantity, Quotas
from tests.support.early import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
# A name at the beginning of a row of a table, or several, and what stands in the next cell.
ROWS = re.compile(r"^\| (`[A-Z][^|]*) \| ([^|]*) \|", re.MULTILINE)
EVENT = re.compile(r"`([a-z]+(?:\.[a-z_]+)+)`")
SETTINGS = ("settings", "feed_settings", "redis_urls")


def sources() -> Iterator[Path]:
    for folder in ("platform/flexhub", "cem_service", "rm_adapters", "tenants"):
        yield from (ROOT / folder).rglob("*.py")


def defaults_on_the_page() -> dict[str, str]:
    found: dict[str, str] = {}
    for names, default in ROWS.findall(PAGE):
        found |= dict.fromkeys(re.findall(r"`([A-Z][A-Z0-9_]+)`", names), default)
    return found


def variables() -> dict[str, list[Any]]:
    """What the settings read, each with the arguments that are constants: among them is the default."""
    found = {}
    for name in SETTINGS:
        tree = ast.parse((ROOT / "platform" / "flexhub" / f"{name}.py").read_text(encoding="utf-8"))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            match call:
                case ast.Call(func=ast.Attribute(value=ast.Name("env")), args=[ast.Constant(str(variable)), *rest]):
                    found[variable] = [one.value for one in rest if isinstance(one, ast.Constant)]
    return found


def test_each_variable_is_there_and_no_other() -> None:
    known = variables().keys() - {"SECRETS_KEYS_FILE"} | {f"QUOTA_{quantity.upper()}" for quantity in Quantity}

    assert defaults_on_the_page().keys() - known == set()
    assert known - defaults_on_the_page().keys() == set()


@pytest.mark.parametrize(
    "variable", [name for name, rest in variables().items() if any(type(one) is int for one in rest)]
)
def test_whole_numbers_have_the_default_of_the_page(variable: str) -> None:
    assert defaults_on_the_page()[variable] == str(variables()[variable][0])


def test_quotas_have_the_defaults_of_the_page() -> None:
    table = {name: default for name, default in defaults_on_the_page().items() if name.startswith("QUOTA_")}

    assert table == {f"QUOTA_{quantity.upper()}": f"{Quotas()[quantity]:,}" for quantity in Quantity}


def test_each_entry_of_the_schedule_is_there_with_its_period() -> None:
    told: dict[str, float] = {}
    for number, unit, entries in re.findall(r"^\| (\d+) (s|min|h) \| (`[^|]*`) \|", PAGE, re.MULTILINE):
        period_s = int(number) * {"s": 1, "min": 60, "h": 3600}[unit]
        told |= dict.fromkeys(re.findall(r"`([a-z-]+)`", entries), period_s)

    assert told == {name: entry["schedule"] for name, entry in app.conf.beat_schedule.items()}


def test_each_line_of_the_log_that_is_an_error_is_there() -> None:
    calls = re.compile(r'log(?:ger)?\.(?:error|exception|critical)\(\s*"([a-z]+(?:\.[a-z_]+)+)"')
    errors = {event for path in sources() for event in calls.findall(path.read_text(encoding="utf-8"))}

    assert errors - set(EVENT.findall(PAGE)) == set()


def test_no_line_of_the_log_is_told_that_is_not_written() -> None:
    (table,) = re.findall(r"### In the log\n(.*?)\n## ", PAGE, re.DOTALL)
    written = "".join(path.read_text(encoding="utf-8") for path in sources())

    assert [event for event in EVENT.findall(table) if f'"{event}"' not in written] == []
