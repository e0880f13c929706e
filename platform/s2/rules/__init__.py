"""The semantic rules of S2, by the numbers of the catalogue (R-01 and on).

One module per family: `sessions` for every conversation, `values` for numbers and ranges wherever they occur, `timing`
for timestamps, durations and delays, `details` for what an RM says of itself, `power` for what it measures and expects,
`instructions` for what holds for every instruction and what becomes of it, `safety` for abnormal conditions, `modes`
for operation modes, transitions and timers, `statuses` for what an RM reports of them, and those for what only one
control type has. `registry` says how a rule is written.
"""

from s2.rules import (
    ddbc,
    ddbc_supply,
    details,
    frbc,
    instructions,
    modes,
    pebc,
    pebc_course,
    pebc_energy,
    power,
    ppbc,
    ppbc_schedule,
    safety,
    sessions,
    statuses,
    timing,
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
    "instructions",
    "is_checked",
    "modes",
    "pebc",
    "pebc_course",
    "pebc_energy",
    "power",
    "ppbc",
    "ppbc_schedule",
    "safety",
    "sessions",
    "statuses",
    "timing",
    "values",
]
