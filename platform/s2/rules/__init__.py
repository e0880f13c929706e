"""The semantic rules of S2, by the numbers of the catalogue (R-01 and on).

One module per family: `sessions` for every conversation, `values` for numbers and ranges wherever they occur, `timing`
for timestamps, durations and delays, `details` for what an RM says of itself, `power` for what it measures and expects,
`instructions` for what holds for every instruction and what becomes of it, `safety` for abnormal conditions, `modes`
for how operation modes are described, `transitions` for the way from one to another, `references` for whose ids are
named, `statuses` for what an RM reports, and those for what only one control type has. `registry` says how a rule is
written, `table` prints the catalogue.
"""

from s2.rules import (
    ddbc,
    ddbc_supply,
    details,
    frbc,
    frbc_levels,
    instructions,
    modes,
    ombc,
    pebc,
    pebc_course,
    pebc_energy,
    power,
    ppbc,
    ppbc_schedule,
    references,
    safety,
    sessions,
    statuses,
    timing,
    transitions,
    values,
)
from s2.rules.registry import (
    RULES,
    Breach,
    Rule,
    Situation,
    Upheld,
    findings_on,
    findings_on_refusal,
    is_checked,
)

__all__ = [
    "RULES",
    "Breach",
    "Rule",
    "Situation",
    "Upheld",
    "ddbc",
    "ddbc_supply",
    "details",
    "findings_on",
    "findings_on_refusal",
    "frbc",
    "frbc_levels",
    "instructions",
    "is_checked",
    "modes",
    "ombc",
    "pebc",
    "pebc_course",
    "pebc_energy",
    "power",
    "ppbc",
    "ppbc_schedule",
    "references",
    "safety",
    "sessions",
    "statuses",
    "timing",
    "transitions",
    "values",
]
