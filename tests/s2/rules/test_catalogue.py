"""Every rule of the catalogue is broken once and kept once; a rule without both cases fails."""

import pytest

from s2.findings import Severity
from s2.rules import RULES, Upheld
from tests.support.s2_rule_cases import CASES

#: What models find has no number of its own in the answer: the schema is broken, and the label says where.
_BY_SCHEMA = "R-03"

_REQUIRED = [
    *(f"R-{number:02}" for number in range(1, 21)),
    *(f"R-{number}" for number in (*range(34, 39), *range(50, 55), *range(70, 78), *range(120, 124))),
]


def test_every_rule_has_its_cases() -> None:
    assert set(CASES) == set(RULES)


def test_the_rules_that_protect_a_hosted_cem_are_there() -> None:
    assert set(_REQUIRED) <= set(RULES)


_BREAKABLE = sorted(number for number, rule in RULES.items() if rule.upheld is not Upheld.BY_PERMITTING)


@pytest.mark.parametrize("number", _BREAKABLE)
def test_is_found_where_it_is_broken(number: str) -> None:
    breaks = CASES[number].breaks
    assert breaks is not None

    found = breaks()

    assert (_BY_SCHEMA if RULES[number].upheld is Upheld.BY_MODELS else number) in found


@pytest.mark.parametrize("number", sorted(CASES))
def test_is_not_found_where_it_is_kept(number: str) -> None:
    found = CASES[number].keeps()

    if RULES[number].upheld is Upheld.BY_PERMITTING:
        assert found == set()
    elif RULES[number].upheld is Upheld.BY_MODELS:
        assert _BY_SCHEMA not in found
    else:
        assert number not in found


@pytest.mark.parametrize("number", sorted(RULES))
def test_says_what_it_demands_and_where_that_is_written(number: str) -> None:
    rule = RULES[number]

    assert rule.text.endswith(".")
    assert rule.source
    assert rule.severity in Severity
