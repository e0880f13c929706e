"""For every rule of the catalogue a conversation that breaks it and a near one that does not, one module per family."""

from collections.abc import Mapping
from types import MappingProxyType

from tests.support.s2_rule_cases import (
    ddbc,
    details,
    frbc,
    instructions,
    modes,
    ombc,
    pebc,
    power,
    ppbc,
    scenes,
    sessions,
    values,
)

FAMILIES = (sessions, values, details, power, instructions, modes, pebc, ppbc, ombc, frbc, ddbc)

CASES: Mapping[str, scenes.RuleCase] = MappingProxyType(
    {number: case for family in FAMILIES for number, case in family.CASES.items()}
)
