"""Every rule of the catalogue is broken once and kept once; a rule without both cases fails."""

import pytest

from s2.findings import Severity
from s2.rules import RULES, Upheld
from tests.support.s2_rule_cases.families import CASES, FAMILIES

#: The numbers of the reference, part by part.
_CATALOGUE = [
    f"R-{number:02}"
    for part in ((1, 48), (50, 63), (70, 83), (90, 103), (110, 114), (120, 135), (140, 146))
    for number in range(part[0], part[1] + 1)
]


def test_the_catalogue_is_complete() -> None:
    assert sorted(RULES) == sorted(_CATALOGUE)


def test_every_rule_has_its_cases() -> None:
    assert set(CASES) == set(RULES)


def test_cases_are_counted_once() -> None:
    """A number in two families would silently hide one of them."""
    assert len(CASES) == sum(len(family.CASES) for family in FAMILIES)


@pytest.mark.parametrize("number", sorted(CASES))
def test_is_found_where_it_is_broken(number: str) -> None:
    assert number in CASES[number].breaks()


@pytest.mark.parametrize("number", sorted(CASES))
def test_is_not_found_where_it_is_kept(number: str) -> None:
    assert number not in CASES[number].keeps()


@pytest.mark.parametrize("number", sorted(RULES))
def test_says_what_it_demands_and_where_that_is_written(number: str) -> None:
    rule = RULES[number]

    assert rule.text.endswith(".")
    assert rule.source
    assert rule.severity in Severity
    assert not (rule.upheld is Upheld.BY_PERMITTING and rule.severity is Severity.ERROR)
