"""The page that documents the rules is the one that the rules make."""

from __future__ import annotations

from pathlib import Path

import pytest

from s2.rules import RULES
from s2.rules.table import COMMAND, main, markdown

PAGE = Path(__file__).parents[3] / "docs" / "s2-rules.md"


def row(number: str) -> list[str]:
    (line,) = (line for line in markdown().splitlines() if line.startswith(f"| {number} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == markdown(), f"the rules have changed; run: .venv/bin/{COMMAND}"


def test_every_rule_has_a_row_in_the_order_of_numbers() -> None:
    numbers = [line.split()[1] for line in markdown().splitlines() if line.startswith("| R-")]

    assert set(numbers) == set(RULES)
    assert numbers == sorted(numbers, key=lambda number: int(number.removeprefix("R-")))
    assert f"{len(RULES)} rules" in markdown()


def test_a_row_says_what_follows_from_a_breach() -> None:
    assert row("R-20")[2:6] == ["error", "", "", "check"]
    assert row("R-27")[2:6] == ["error", "warning", "yes", "check"]
    assert row("R-53")[2:6] == ["permission", "", "yes", "permission"]
    assert row("R-76")[2:6] == ["error, REJECTED", "", "yes", "check"]
    assert row("R-22")[2:6] == ["error", "", "", "models"]
    assert row("R-01")[2:6] == ["warning", "", "yes", "session"]


def test_the_command_prints_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    main()

    assert capsys.readouterr().out == markdown()
